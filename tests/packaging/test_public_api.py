"""The public API does not change unnoticed: names, signatures, settings, options, fixtures."""

from __future__ import annotations

import ast
import importlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.public_api.declared import declared_in
from support.public_api.described import described
from support.public_api.listing import COMMAND, FOLDER, ROOT, listing, packages

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = packages()
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"^(?:async )?(?:(?:def|class|property|type) )?(\w+)", re.MULTILINE)
#: A dotted path within a text, as in settings.
_PATH = re.compile(r"[\"'](vendo_\w+(?:\.\w+)+)[\"']")


@pytest.mark.parametrize("package", PACKAGES)
def test_public_api_matches_the_file(package: str) -> None:
    """After an intended change, write the files again and add a line to CHANGELOG.md."""
    on_file = (FOLDER / f"{package}.txt").read_text(encoding="utf-8")
    assert listing(package) == on_file, f"{package} promises something else now: {COMMAND}"


def test_each_package_has_a_file_and_there_are_no_others() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}.txt" for name in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_file_has_every_name_that_the_package_exports(package: str) -> None:
    exported = set(importlib.import_module(package).__all__) - {"__version__"}
    assert exported
    assert {name for name in exported if not _is_module(f"{package}.{name}")} == _listed(package)


def test_manual_imports_only_public_names() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = [text for page in pages for text in _blocks(page)]
    texts += [
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").rglob("*.py"))
    ]
    used = {name for text in texts for name in _imported(text)}
    assert len(used) > 20
    assert sorted(f"{module}.{name}" for module, name in used if not _is_public(module, name)) == []


def _blocks(page: Path) -> Iterator[str]:
    yield from _BLOCK.findall(page.read_text(encoding="utf-8"))


def _imported(text: str) -> Iterator[tuple[str, str]]:
    """Return module and name of each import of our packages, and of each dotted path in a text."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a fragment; the manual's own tests assemble it
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] in PACKAGES:
                yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in PACKAGES:
                    yield alias.name, ""
    for path in _PATH.findall(text):
        module, _, name = path.rpartition(".")
        yield (path, "") if name == "urls" else (module, name)


def _is_public(module: str, name: str) -> bool:
    if any(part.startswith("_") for part in module.split(".")):
        return False
    return not name or _is_module(f"{module}.{name}") or name in _listed(module)


def _is_module(path: str) -> bool:
    package, *parts = path.split(".")
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    place = Path(spec.origin).parent.joinpath(*parts)
    return place.is_dir() or place.with_suffix(".py").is_file()


def _listed(module: str) -> set[str]:
    """The names in the section of a module."""
    text = (FOLDER / f"{module.partition('.')[0]}.txt").read_text(encoding="utf-8")
    _, _, rest = text.partition(f"[{module}]\n")
    return set(_NAME.findall(rest.partition("\n[")[0]))


def test_import_of_an_unlisted_name_is_found() -> None:
    text = (
        "import vendo._tokens.cache\n"
        "from vendo import token, tokne, errors\n"
        "from vendo_django.settings import required\n"
        "MIDDLEWARE = ['vendo_django.middleware.VendoMiddleware', 'vendo_django.views.connect']\n"
        "include('vendo_django.urls')"
    )
    wrong = {f"{module}.{name}" for module, name in _imported(text) if not _is_public(module, name)}
    assert wrong == {
        "vendo._tokens.cache.",
        "vendo.tokne",
        "vendo_django.settings.required",
        "vendo_django.views.connect",
    }


DECLARATIONS = [
    ("VENDO_BUILD_VARIABLE: Final = 'VENDO_BUILD'", "variable VENDO_BUILD"),
    ("KEY = Variable(f'VENDO_TOKEN_{name}')", "variable VENDO_TOKEN_<SLUG>"),
    ("_OPTIONS: dict[str, int] = {'TIMEOUT': 1}", "setting TIMEOUT"),
    ("parser.addini('vendo_guard', 'help', type='bool')", "ini option vendo_guard"),
    ("config.addinivalue_line('markers', 'vendo(x): it')", "marker vendo(x)"),
    ("parser.add_argument('--json', help='x')", "option --json"),
    ("parser.add_argument('slug')", "argument slug"),
    ("COMMANDS: Final = {'token': 'print it'}", "command token"),
    ("path('connect/', view, name='connect')", "route connect/ named connect"),
    ("raise_(Error('x', id='vendo.E001'))", "check vendo.E001"),
    ("@pytest.fixture\ndef vendo_token() -> str: ...", "fixture vendo_token: str"),
    ("@register.simple_tag\ndef tag(slug: str): ...", "template tag tag(slug: str)"),
    ("@group.command()\ndef doctor(): ...", "command doctor"),
    ("def add_globals(app):\n x = {'vendo_url': 1}", "template global vendo_url"),
]


@pytest.mark.parametrize(("text", "line"), DECLARATIONS, ids=lambda value: value[:24])
def test_framework_declaration_is_found_by_its_form(text: str, line: str) -> None:
    assert list(declared_in(text)) == [line]


def test_variable_of_a_credential_is_found_with_that_of_its_file() -> None:
    lines = list(declared_in("CredentialVariable(f'VENDO_TOKEN_{name}')"))
    assert lines == ["variable VENDO_TOKEN_<SLUG>", "variable VENDO_TOKEN_<SLUG>_FILE"]


@pytest.mark.parametrize(
    "text",
    ["@pytest.fixture\ndef _own(): ...", "names.add('token')", "path(view)", "x = 'vendo.E1'"],
)
def test_text_without_a_declaration_is_ignored(text: str) -> None:
    assert list(declared_in(text)) == []


def test_signature_lists_names_types_and_defaults() -> None:
    text = described("vendo")
    assert "\ndef token(slug: Slug | str) -> str\n" in text
    assert "\nasync def token(slug: Slug | str) -> str\n" in text
    assert "api_version: str = '2026-05-02'" in text, "a constant, by its value"
    assert "\nNotConnected: vendo.NotConnected\n" in text, "its second name, in vendo.errors"
    assert "\nclass ConnectionsAPI\n    def connected_slugs()" in text, "without a public name"
    assert "keeper" not in text, "only the library itself can make it"
    assert "self" not in text
    assert not re.search(r"def _[a-z]", text)
