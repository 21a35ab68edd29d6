from django.db import migrations, models


class Migration(migrations.Migration):
    """How far the comparison of the stores has come, and whose turn it is."""

    dependencies = [
        ("orm", "0008_crash_loop"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("turn", models.BigIntegerField(default=1)),
                ("due_at", models.DateTimeField()),
                ("started_at", models.DateTimeField()),
                ("after_mass", models.BooleanField(db_default=False)),
                (
                    "places",
                    models.JSONField(db_default=models.Value({}, models.JSONField())),
                ),
                (
                    "outcomes",
                    models.JSONField(db_default=models.Value({}, models.JSONField())),
                ),
            ],
            options={
                "db_table": "reconciliation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="reconciliation_is_one"
                    )
                ],
            },
        ),
    ]
