"""The import table of the project, kept true: every import of ours is read with `ast`."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parents[2] / "backend"
PORTS = "use_cases.ports"

# Which packages of ours each package may import, besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "use_cases": {"domain"},
    "orm": {"domain", PORTS},
    "odm": {"domain", PORTS},
    "adapters": {"domain", PORTS},
    "api": {"use_cases", "domain", "orm"},
    "actors": {"use_cases", "domain"},
    "admin": {"domain", "orm", "use_cases"},
    "config": {
        "domain",
        "use_cases",
        "orm",
        "odm",
        "adapters",
        "api",
        "actors",
        "admin",
        "fleet",
    },
    "embedded": {"fleet"},
    "fleet": set(),
}
# Third-party packages with one home.
ONLY_IN = {
    "motor": "odm",
    "boto3": "adapters",
    "pymediainfo": "adapters",
    "PIL": "adapters",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement: in which module, of what."""

    path: Path
    line: int
    module: str

    @property
    def package(self) -> str:
        return self.path.relative_to(BACKEND).parts[0]

    @property
    def ours(self) -> str | None:
        """The imported module of ours without `backend.`, or None."""
        prefix = "backend."
        return self.module.removeprefix(prefix) if self._is_ours(prefix) else None

    def _is_ours(self, prefix: str) -> bool:
        return self.module.startswith(prefix)

    @property
    def is_allowed(self) -> bool:
        if self.ours is None:
            return True
        target = self.ours.split(".")[0]
        allowed = MAY_IMPORT[self.package] | {self.package}
        return target in allowed or any(
            self.ours == module or self.ours.startswith(f"{module}.")
            for module in allowed
        )

    def __str__(self) -> str:
        return f"{self.path.relative_to(BACKEND.parent)}:{self.line} {self.module}"


class ImportsOfBackend:
    """All imports of all modules, also those inside functions."""

    def __iter__(self) -> Iterator[Import]:
        for path in sorted(BACKEND.rglob("*.py")):
            if path.parent != BACKEND:
                yield from self._of(path)

    def _of(self, path: Path) -> Iterator[Import]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(path, node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative imports are not used"
                assert node.module is not None
                for alias in node.names:
                    yield Import(path, node.lineno, f"{node.module}.{alias.name}")


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return list(ImportsOfBackend())


class TestImportTable:
    def test_every_package_has_its_row(self) -> None:
        packages = {
            path.name for path in BACKEND.iterdir() if (path / "__init__.py").exists()
        }
        assert packages == set(MAY_IMPORT)

    def test_imports_point_inwards(self, imports: list[Import]) -> None:
        assert [str(one) for one in imports if not one.is_allowed] == []

    def test_a_breach_would_be_seen(self) -> None:
        path = BACKEND / "domain" / "media.py"
        assert not Import(path, 1, "backend.orm.models.Media").is_allowed
        assert not Import(
            BACKEND / "adapters" / "x.py", 1, "backend.use_cases.x"
        ).is_allowed

    def test_third_party_packages_stay_at_home(self, imports: list[Import]) -> None:
        strays = [
            str(one)
            for one in imports
            if (home := ONLY_IN.get(one.module.split(".")[0])) and one.package != home
        ]
        assert strays == []

    def test_only_entry_points_import_the_configuration(
        self, imports: list[Import]
    ) -> None:
        importers = {
            one.package for one in imports if (one.ours or "").startswith("config")
        }
        assert importers <= {"config"}
