"""List the public API that is not Python names: settings, variables, options, fixtures, routes.

These are calls and decorators of the frameworks in the sources; each is found by its form.
"""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECK_ID = re.compile(r"\bvendo\.[EW]\d{3}\b")
_TEMPLATE_GLOBAL = re.compile(r"vendo_\w+")
#: Functions of pytest, Django, argparse, click, Flask, Starlette and our own: the meaning of
#: their first text argument.
_CALLS = {
    "addini": "ini option",
    "addoption": "option",
    "add_argument": "argument",
    "add_parser": "command",
    "add_url_rule": "route",
    "argument": "argument",
    "option": "option",
    "path": "route",
    "Route": "route",
    "CredentialVariable": "variable",
    "Variable": "variable",
}
#: Tables of settings and of commands, and functions with a table of what templates may use.
_SETTINGS = "_OPTIONS"
_COMMANDS = "COMMANDS"
_ADDS_GLOBALS = "add_globals"


def declared_by(package: str) -> str:
    """Return one line each, sorted and without duplicates; empty if there are none.

    Raises:
        LookupError: the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"{package} is not installed")
    found: set[str] = set()
    for source in Path(spec.origin).parent.rglob("*.py"):
        found.update(declared_in(source.read_text(encoding="utf-8")))
    return "".join(f"{line}\n" for line in sorted(found))


def declared_in(text: str) -> Iterator[str]:
    """Return what the text of one module declares, in any order."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function(node)
        elif isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _assigned(ast.unparse(node.target), node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (f"check {name}" for name in _CHECK_ID.findall(node.value))


def _function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    if function.name == _ADDS_GLOBALS:
        yield from (f"template global {key}" for node in ast.walk(function)
                    for key in _keys(node) if _TEMPLATE_GLOBAL.fullmatch(key))  # fmt: skip
    for decorator in function.decorator_list:
        form = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if form == "pytest.fixture" and not function.name.startswith("_"):
            returns = ast.unparse(function.returns) if function.returns else "None"
            yield f"fixture {function.name}: {returns}"
        elif form in {"register.simple_tag", "register.inclusion_tag"}:
            yield f"template tag {function.name}({ast.unparse(function.args)})"
        elif form.endswith(".command"):
            yield f"command {function.name}"


def _call(call: ast.Call) -> Iterator[str]:
    form = ast.unparse(call.func)
    kind = _CALLS.get(form) or _CALLS.get(form.rpartition(".")[2])
    texts = list(filter(None, map(_text, call.args)))
    if form.endswith(".addinivalue_line") and texts[0] == "markers":
        yield f"marker {texts[1].partition(':')[0]}"
    elif kind is not None and texts:
        if kind == "argument" and texts[0].startswith("-"):
            kind = "option"
        names = (_text(keyword.value) for keyword in call.keywords if keyword.arg == "name")
        name = next(names, None)
        yield f"{kind} {texts[0]}" + (f" named {name}" if name else "")
        if form == "CredentialVariable":
            yield f"{kind} {texts[0]}_FILE"


def _assigned(target: str, value: ast.expr) -> Iterator[str]:
    if target == _SETTINGS:
        yield from (f"setting {key}" for key in _keys(value))
    elif target == _COMMANDS:
        yield from (f"command {key}" for key in _keys(value))
    elif target.endswith("_VARIABLE"):
        yield f"variable {_text(value)}"


def _keys(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))


def _text(node: ast.expr) -> str | None:
    """Return a text of the source, with `<SLUG>` for each value that is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "<SLUG>" for part in node.values)
    return None
