"""Migrations leave the release before working: they add, and nobody waits for it, or say
why they may do more.

`make check` runs it without a database.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models.fields import NOT_PROVIDED

FOLDER = Path(__file__).resolve().parents[2] / "backend" / "orm" / "migrations"
# The first release has these: nothing ran before it.
FIRST_RELEASE = 10
# Made an index under a lock before this was refused. The table of jobs was small then; on a
# large one whoever writes to it waits for that index.
BEFORE_THE_RULE = {"0012_job_failed": "AddIndex"}
REASON = "why_the_release_before_goes_on"


class Additive:
    """Whether old code can read and write as before once an operation is applied."""

    HARMLESS = (
        migrations.CreateModel,
        AddIndexConcurrently,
        migrations.RemoveIndex,
        migrations.AlterModelOptions,
        migrations.AlterModelManagers,
        migrations.SeparateDatabaseAndState,
    )

    @classmethod
    def lacking(cls, migration: type[migrations.Migration]) -> list[str]:
        """The operations that need a reason, if the migration gives none."""
        if str(getattr(migration, REASON, "")).strip():
            return []
        made = {
            operation.name_lower
            for operation in migration.operations
            if isinstance(operation, migrations.CreateModel)
        }
        return [
            f"{type(operation).__name__}: {operation.describe()}"
            for operation in cls._flat(migration.operations)
            if not cls._is_harmless(operation, made)
        ]

    @classmethod
    def _flat(cls, operations: list[Operation]) -> Iterator[Operation]:
        for operation in operations:
            yield operation
            if isinstance(operation, migrations.SeparateDatabaseAndState):
                yield from cls._flat(operation.database_operations)

    @classmethod
    def _is_harmless(cls, operation: Operation, made: set[str]) -> bool:
        """`made` are the tables of this migration, which old code does not know."""
        if getattr(operation, "model_name_lower", None) in made:
            return True
        if isinstance(operation, migrations.AddField):
            return cls._is_optional(operation.field)
        return isinstance(operation, cls.HARMLESS)

    @staticmethod
    def _is_optional(field: models.Field) -> bool:
        """Old code inserts rows without it. A default in Python is of no use to it.

        Nor may an index come with it, which is made under a lock.
        """
        if field.unique or (field.db_index and not field.is_relation):
            return False
        return bool(field.null or field.many_to_many) or (
            field.db_default is not NOT_PROVIDED
        )


def migration_of(operation: Operation, reason: str = "") -> type[migrations.Migration]:
    attributes = {"operations": [operation], **({REASON: reason} if reason else {})}
    return type("Migration", (migrations.Migration,), attributes)


REFUSED = (
    migrations.AddField("media", "later", models.IntegerField(default=0)),
    migrations.AddField("media", "later", models.IntegerField()),
    migrations.RemoveField("media", "title"),
    migrations.RenameField("media", "title", "name"),
    migrations.AlterField("media", "title", models.CharField(max_length=10)),
    migrations.AddConstraint(
        "media",
        models.CheckConstraint(condition=models.Q(title__gt=""), name="has_title"),
    ),
    migrations.RunSQL("DROP TABLE media"),
    migrations.DeleteModel("media"),
    migrations.RenameModel("media", "film"),
    migrations.AlterModelTable("media", "film"),
    migrations.SeparateDatabaseAndState([migrations.RunSQL("DROP TABLE media")]),
    # Under a lock that keeps everybody from writing.
    migrations.AddIndex("media", models.Index(fields=["title"], name="by_title")),
    migrations.AddField("media", "later", models.IntegerField(null=True, unique=True)),
    migrations.AddField(
        "media", "later", models.IntegerField(null=True, db_index=True)
    ),
)
ACCEPTED = (
    migrations.AddField("media", "later", models.IntegerField(null=True)),
    migrations.AddField("media", "later", models.IntegerField(db_default=0)),
    migrations.CreateModel("Film", [("id", models.BigAutoField(primary_key=True))]),
    AddIndexConcurrently("media", models.Index(fields=["title"], name="by_title")),
)


class TestMigrations:
    def test_each_adds_or_says_why_it_may_do_more(self) -> None:
        lacking = {path.stem: self._lacking(path.stem) for path in self._later()}
        assert {name: told for name, told in lacking.items() if told} == {}, (
            "The release before runs while these are applied (docs/deploy.md). If it "
            f"goes on all the same, say so in a class attribute `{REASON}`."
        )

    @staticmethod
    def _later() -> list[Path]:
        paths = sorted(FOLDER.glob("[0-9]*.py"))
        return [path for path in paths if int(path.stem[:4]) > FIRST_RELEASE]

    @staticmethod
    def _lacking(name: str) -> list[str]:
        module = importlib.import_module(f"backend.orm.migrations.{name}")
        excused = BEFORE_THE_RULE.get(name, "-")
        lacking = Additive.lacking(module.Migration)
        return [told for told in lacking if not told.startswith(f"{excused}:")]


class TestRule:
    @pytest.mark.parametrize("operation", REFUSED, ids=lambda one: one.describe())
    def test_what_takes_away_needs_a_reason(self, operation: Operation) -> None:
        assert Additive.lacking(migration_of(operation)) != []
        assert Additive.lacking(migration_of(operation, "No release wrote it.")) == []

    @pytest.mark.parametrize("operation", ACCEPTED, ids=lambda one: one.describe())
    def test_what_adds_needs_none(self, operation: Operation) -> None:
        assert Additive.lacking(migration_of(operation)) == []
