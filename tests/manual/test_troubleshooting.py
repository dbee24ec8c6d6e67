"""The page about mistakes is complete: it has the messages that people see, each with a fix.

That the messages are those that are printed is checked with the other blocks of the manual.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manual.blocks import ROOT, blocks
from vendo import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = ROOT / "docs" / "troubleshooting.md"
TEXT = PAGE.read_text(encoding="utf-8")
ERRORS = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
_MANY = re.MULTILINE | re.DOTALL
#: What readers do not see.
_COMMENT = re.compile(r"^<!-- (?:run [a-z]+:|check$).*?^-->$\n|^<!-- run: [^\n]* -->\n", _MANY)
_ENTRY = re.compile(r"^### ([^\n]*)\n(.*?)(?=^##|\Z)", _MANY)
_PRINTED = re.compile(r"^<!-- run: printed -->\n```text\n(.*?)^```$", _MANY)

VISIBLE = _COMMENT.sub("", TEXT)
ENTRIES = dict(_ENTRY.findall(VISIBLE))
#: What is printed, in one line each.
PRINTED = [" ".join(text.split()) for text in _PRINTED.findall(TEXT + ERRORS)]
PACKAGES = ("vendo", "vendo_django", "vendo_flask", "vendo_pytest", "vendo_starlette")


def test_headings_are_unique() -> None:
    headings = re.findall(r"^#+ (.*)$", VISIBLE, re.MULTILINE)
    assert [text for text, n in Counter(map(str.lower, headings)).items() if n > 1] == []
    assert len(ENTRIES) == sum(1 for line in VISIBLE.splitlines() if line.startswith("### "))
    assert len(ENTRIES) >= 45


@pytest.mark.parametrize("heading", ENTRIES)
def test_an_entry_has_a_message_a_fix_and_a_page_and_is_short(heading: str) -> None:
    entry = ENTRIES[heading]
    _, has_message, rest = entry.rpartition("```text\n")
    assert has_message, "no message"
    prose = re.sub(r"(?ms)^```.*?^```$", "", rest.partition("```\n")[2])
    assert len(prose.split()) > 5, "no fix"
    assert re.search(r"\]\([a-z-]+\.md(#[a-z0-9-]+)?\)", prose), "no page that explains"
    assert len(re.sub(r"\n{2,}", "\n", entry).splitlines()) <= 32, "longer than half a screen"


def test_every_message_is_compared_with_what_is_printed() -> None:
    shown = re.findall(r"^```text$", TEXT, re.MULTILINE)
    assert len(shown) == sum(1 for block in blocks(PAGE) if block.printed)


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "VendoError"])
def test_every_error_is_explained(name: str) -> None:
    assert f"vendo.errors.{name}: " in VISIBLE or f"| `{name}` |" in ERRORS


def _source(name: str) -> Path:
    """Return the folder of an installed package, or the file of a module."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)


def _calls(*names: str, of: Sequence[str] = PACKAGES) -> Iterator[ast.Call]:
    """Yield every call of these functions, by their last name, in packages or modules."""
    for place in map(_source, of):
        for path in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names:
                    yield node


def _pattern(text: ast.expr) -> str:
    """Return a regular expression for a text, whose fields may be anything."""
    if isinstance(text, ast.JoinedStr):
        return "".join(map(_pattern, text.values))
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return re.escape(text.value).replace("%s", ".+?")
    return ".+?"


def _is_shown(text: ast.expr) -> bool:
    return any(re.search(_pattern(text), one) for one in PRINTED)


def test_every_missing_extra_is_shown() -> None:
    extras = {
        tuple(ast.literal_eval(argument) for argument in call.args) for call in _calls("require")
    }
    assert len(extras) >= 5
    missing = [
        (module, extra)
        for module, extra in sorted(extras)
        if not any(
            f'{module} is not installed. Fix: pip install "vendo-sdk[{extra}]"'
            in one.replace(" fix: ", " Fix: ")
            for one in PRINTED
        )
    ]
    assert missing == []


def test_every_check_of_django_is_shown() -> None:
    source = _source("vendo_django.checks").read_text(encoding="utf-8")
    ids = set(re.findall(r"\"(vendo\.[EW]\d{3})\"", source))
    assert len(ids) > 15
    assert [name for name in sorted(ids) if not any(f"({name}) " in one for one in PRINTED)] == []


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("vendo._reports", ("problem",)),
        ("vendo_flask.checks", ("Finding",)),
        ("vendo_starlette.checks", ("warning",)),
    ],
    ids=["doctor", "flask", "starlette"],
)
def test_every_finding_is_shown(place: str, names: tuple[str, ...]) -> None:
    texts = [call.args[0] for call in _calls(*names, of=[place])]
    # Others are those of an error, which `errors.md` explains.
    own = [text for text in texts if re.search("[a-z]{3}", _pattern(text))]
    assert own
    assert [ast.unparse(text) for text in own if not _is_shown(text)] == []
