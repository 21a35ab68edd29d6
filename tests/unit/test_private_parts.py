"""What libraries keep to themselves and we use has a row in ADR 2, and so a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ADR = PROJECT / "docs" / "adr" / "0002-asgi-handler.md"
# Private to look at, but in the documentation of Python and Django.
DOCUMENTED = {"_exit", "_fields", "_make", "_meta"}
_PRIVATE = re.compile(r"_(?!_)|__ninja")


def nodes() -> Iterator[ast.AST]:
    for path in (PROJECT / "backend").rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text()))


def named(node: ast.AST) -> str:
    """What the node gives a name to, or nothing."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr
    return ""


def test_every_private_part_of_a_library_is_listed() -> None:
    used = {node.attr for node in nodes() if isinstance(node, ast.Attribute)}
    ours = {named(node) for node in nodes()}
    foreign = {n for n in used - ours - DOCUMENTED if _PRIVATE.match(n)}
    listed = set(re.findall(r"^\| `[^`]*?(\w+)(?:\([^`]*)?` \|", ADR.read_text(), re.M))
    assert {"_ninja_operation", "_prepare_cursor", "_resource_closers"} <= foreign
    assert foreign <= listed
