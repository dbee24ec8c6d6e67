"""Adapters use only the public API of `vendo`."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

ADAPTERS = ("vendo_django", "vendo_flask", "vendo_pytest", "vendo_starlette")


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


SOURCES = sorted(path for name in ADAPTERS for path in _folder(name).rglob("*.py"))


def _private_names(tree: ast.Module) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [
        name
        for name in names
        if name.split(".")[0] == "vendo"
        and any(part.startswith("_") and part != "__version__" for part in name.split("."))
    ]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: "/".join(path.parts[-2:]))
def test_adapter_does_not_import_private_names_of_the_core(source: Path) -> None:
    assert _private_names(ast.parse(source.read_text(encoding="utf-8"))) == []


def test_private_import_is_found() -> None:
    tree = ast.parse("import vendo._tokens.cache\nfrom vendo import _tokens, __version__, token")
    assert _private_names(tree) == ["vendo._tokens.cache", "vendo._tokens"]
