"""Tests that are named elsewhere: in the fault matrix, in the documentation."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class NamedTests:
    """Knows which tests there are, by the names that pytest gives them."""

    @classmethod
    def missing(cls, names: tuple[str, ...]) -> list[str]:
        """Those of `path::Class::method` that are nowhere."""
        return [name for name in names if name not in cls._in(name.split("::")[0])]

    @staticmethod
    @cache
    def _in(path: str) -> frozenset[str]:
        file = ROOT / path
        tree = ast.parse(file.read_text() if file.is_file() else "")
        return frozenset(
            f"{path}::{node.name}::{method.name}"
            for node in tree.body
            if isinstance(node, ast.ClassDef)
            for method in node.body
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
        )
