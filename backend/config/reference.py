"""The configuration page for people, generated from the settings class."""

from collections.abc import Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

MEBIBYTE = 1024**2
GIBIBYTE = 1024 * MEBIBYTE


class Undescribed(Exception):
    """A variable has no description."""


class Values:
    """The allowed values of a variable, in words."""

    _WORDS: Mapping[Any, str] = {
        bool: "`true`, `false`",
        int: "whole number",
        float: "number",
        str: "text",
        SecretStr: "text",
        Path: "path",
        IPv4Network | IPv6Network: "address or network",
    }
    _BOUNDS: Mapping[type, tuple[str, str]] = {
        Ge: ("ge", "at least"),
        Gt: ("gt", "more than"),
        Le: ("le", "at most"),
        Lt: ("lt", "less than"),
        MinLen: ("min_length", "length at least"),
    }

    def __init__(self, field: FieldInfo) -> None:
        self._field = field

    def __str__(self) -> str:
        return ", ".join([self._kind(self._field.annotation), *self._bounds()])

    @classmethod
    def _kind(cls, annotation: Any) -> str:
        members = [part for part in get_args(annotation) if part is not type(None)]
        if annotation in cls._WORDS:
            return cls._WORDS[annotation]
        if get_origin(annotation) is Literal:
            return ", ".join(f"`{member}`" for member in members)
        if get_origin(annotation) is Annotated:
            return cls._kind(members[0])
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return ", ".join(f"`{member.value}`" for member in annotation)
        if get_origin(annotation) in (tuple, list, frozenset, set):
            return f"{cls._kind(members[0])}; several with commas between"
        if members:
            return " or ".join(cls._kind(member) for member in members)
        return annotation.__name__ if isinstance(annotation, type) else str(annotation)

    def _bounds(self) -> Iterable[str]:
        for bound in self._field.metadata:
            if type(bound) in self._BOUNDS:
                name, words = self._BOUNDS[type(bound)]
                yield f"{words} {getattr(bound, name)}"


class Variable:
    """One variable of the environment: a row of the page."""

    def __init__(self, field: FieldInfo) -> None:
        self._field = field
        self._name = str(field.alias)

    @property
    def row(self) -> tuple[str, ...]:
        """Raises `Undescribed`."""
        return (
            f"`{self._name}`",
            str(Values(self._field)),
            "**required**" if self._field.is_required() else self._default,
            "secret" if self._is_secret else "",
            self._description,
        )

    @property
    def _is_secret(self) -> bool:
        annotation = self._field.annotation
        return SecretStr in (annotation, *get_args(annotation))

    @property
    def _default(self) -> str:
        default = self._field.get_default(call_default_factory=True)
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        if default is None or default in ("", (), Path()):
            return "unset"
        if isinstance(default, bool):
            return f"`{str(default).lower()}`"
        if isinstance(default, tuple):
            return f"`{','.join(str(part) for part in default)}`"
        return f"`{default}`{self._size(default)}"

    def _size(self, default: object) -> str:
        if not isinstance(default, int) or not self._name.endswith("_BYTES"):
            return ""
        for unit, name in ((GIBIBYTE, "GiB"), (MEBIBYTE, "MiB")):
            if default and default % unit == 0:
                return f" ({default // unit} {name})"
        return ""

    @property
    def _description(self) -> str:
        words = (self._field.description or "").split()
        if not words:
            raise Undescribed(
                f"{self._name}: say what it is for, in a docstring below the field."
            )
        return " ".join(words)


class ConfigurationPage:
    """All variables of a settings class, in Markdown, in the order of its fields."""

    _BEGINNING = """# Configuration

Made by `python manage.py write_configuration_page` from [`backend/config/environment.py`](../backend/config/environment.py).

The configuration is the environment. API, workers and `manage.py` read the same variables, once, at the start. If any is wrong, nothing starts: each
wrong variable is named without its value, and the exit code is 78. Variables that are not listed here are not read.
`make run`, `make demo` and `make test` set the required ones to embedded servers; anywhere else you must set them.
"""
    _HEAD = ("Variable", "Values", "Default", "Secret", "What it does")
    _END = """
`manage.py create_admin` takes the password from `ADMIN_PASSWORD` if that is set. `API_PORT`, `S3_PORT`, `MONGO_PORT` and `REDIS_PORT` change the
ports of `make run` only; elsewhere the port is an argument of uvicorn.
"""

    def __init__(self, settings: type[BaseSettings]) -> None:
        self._settings = settings

    def rendered(self) -> str:
        """Raises `Undescribed` if a field does not say what it is for."""
        fields = self._settings.model_fields.values()
        rows = [Variable(field).row for field in fields]
        lines = [self._HEAD, ("---",) * len(self._HEAD), *rows]
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        return f"{self._BEGINNING}\n{table}{self._END}"
