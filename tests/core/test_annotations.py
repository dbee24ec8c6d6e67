"""Every annotation of a public name can be read at run time, after any other imports."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import vendo
from support.annotations import Annotations
from vendo import _client, _types, aio, errors, reconciler, testing

TESTS = Path(__file__).parents[1]
#: Each adapter, with what it needs and the setup before its annotations are read.
ADAPTERS = {
    "vendo_django": (
        "django",
        """
import django
from django.conf import settings

apps = ["django.contrib.auth", "django.contrib.contenttypes", "vendo_django"]
settings.configure(INSTALLED_APPS=apps)
django.setup()

from vendo_django import backends, middleware
from vendo_django.management.commands.vendo import Command
from vendo_django.templatetags.vendo import register

found.add("backend", backends.VendoIdentityBackend)
found.add("middleware", middleware.VendoMiddleware)
found.add("middleware", middleware.VendoIdentityMiddleware)
found.add("command", Command)
for name, tag in register.tags.items():
    found.add(name, tag.__wrapped__)
""",
    ),
    "vendo_flask": ("flask", ""),
    "vendo_pytest": ("pytest", ""),
    "vendo_starlette": ("starlette", ""),
}
INSTALLED = [package for package, (needed, _) in ADAPTERS.items() if find_spec(needed)]


def printed_by(program: str, **environment: str) -> str:
    """Return the output of a program in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"PATH": "", "PYTHONPATH": str(TESTS), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_in_a_process(package: str, preparation: str) -> tuple[int, list[str]]:
    """Return how many annotations of a package can be read, and those that cannot."""
    printed = printed_by(
        "import json\n"
        "from support.annotations import Annotations\n"
        "found = Annotations()\n"
        f"{preparation}"
        f"found.add_package({package!r})\n"
        "print(json.dumps([len(found.read), found.unreadable]))"
    )
    count, unreadable = json.loads(printed)
    return count, unreadable


@pytest.fixture(scope="module")
def core() -> Annotations:
    found = Annotations()
    found.add_package("vendo")
    return found


def test_every_annotation_of_the_core_can_be_read(core: Annotations) -> None:
    assert core.unreadable == []
    assert len(core.read) > 400


@pytest.mark.parametrize(
    "path",
    [
        "vendo.token",
        "vendo.aio.token",
        "vendo._client.blocking.Vendo.__init__",
        "vendo._client.blocking.Vendo.connections",
        "vendo._client.blocking.Vendo.__exit__",
        "vendo._client.apis.ConnectionsAPI.list",
        "vendo._client.apis.BillingAPI.usage",
        "vendo._client.async_apis.AsyncDataAPI.execute",
        "vendo._client.async_streams.AsyncEventStream.__anext__",
        "vendo._client.streams.EventStream.__enter__",
        "vendo._transports.interfaces.Transport.send",
        "vendo._transports.interfaces.AsyncStream.read",
        "vendo._protocol.steps.Request.__init__",
        "vendo._protocol.models.Connection.__init__",
        "vendo._sessions.httpx_auth.VendoHttpxAuth.sync_auth_flow",
        "vendo.errors.VendoError.replace",
        "vendo.reconciler.start",
        "vendo.testing._state.gates.Gate.wait_for",
    ],
)
def test_methods_and_annotated_classes_are_checked(core: Annotations, path: str) -> None:
    assert core.read[path]


@pytest.mark.parametrize("package", INSTALLED)
def test_every_annotation_of_an_adapter_can_be_read(package: str) -> None:
    count, unreadable = read_in_a_process(package, ADAPTERS[package][1])
    assert unreadable == []
    assert count > 10


@pytest.mark.parametrize(
    "package", ["vendo", *sorted({"vendo_pytest", "vendo_starlette"} & {*INSTALLED})]
)
def test_annotations_can_be_read_without_the_packages_of_sessions(package: str) -> None:
    hidden = ["aiohttp", "httpx", "httpx2", "requests"]
    count, unreadable = read_in_a_process(
        package, f"import sys\nsys.modules.update(dict.fromkeys({hidden}))\n"
    )
    assert unreadable == []
    assert count > 10


@pytest.mark.parametrize(
    ("first", "value"),
    [
        ("vendo.token('openai')", "vendo.token"),
        ("vendo.Vendo", "vendo.Vendo.for_user"),
        ("vendo.NotConnected", "vendo.NotConnected.replace"),
        ("import vendo.errors", "vendo.errors.VendoError.replace"),
        ("vendo.RetryPolicy", "vendo.RetryPolicy.__reduce__"),
        ("vendo.AsyncVendo", "vendo.AsyncVendo.events.fget"),
        ("import vendo._client.async_events", "vendo.aio.events.subscribe"),
        ("vendo.Connection", "vendo.Connection"),
    ],
)
def test_annotations_can_be_read_when_typing_is_imported_last(first: str, value: str) -> None:
    program = f"import vendo; {first}\nimport typing\nprint(bool(typing.get_type_hints({value})))"
    assert printed_by(program, OPENAI_API_KEY="sk-1") == "True\n"


def test_first_token_loads_no_annotations() -> None:
    program = (
        "import sys, vendo; vendo.token('openai')\n"
        "print({'typing', 'vendo._types', 'vendo._catalog.slug_type'} & set(sys.modules))"
    )
    assert printed_by(f"{program}", OPENAI_API_KEY="sk-1") == "set()\n"


def hint(value: object, name: str = "return") -> object:
    return typing.get_type_hints(value)[name]


def test_slug_is_a_literal_or_any_string() -> None:
    literal, text = typing.get_args(hint(vendo.token, "slug"))
    assert text is str
    assert typing.get_args(literal) == testing.catalog_slugs()
    assert hint(vendo.Vendo.token, "slug") == hint(aio.token, "slug") == literal | str


def test_for_user_returns_the_same_class() -> None:
    for cls in (vendo.Vendo, vendo.AsyncVendo, testing.MockClient):
        assert hint(cls.for_user) is typing.Self
    assert hint(errors.NotConnected.replace) is typing.Self


def test_the_fields_of_a_connection_have_their_types() -> None:
    hints = typing.get_type_hints(vendo.Connection)
    assert hints["slug"] is str
    assert hints["metadata"] == Mapping[str, Any]
    assert hints["env_bootstrap"] == vendo.EnvBootstrap | None


def test_sub_api_has_its_class_as_type() -> None:
    connections = inspect.getattr_static(vendo.Vendo, "connections")
    assert isinstance(connections, property)
    assert hint(connections.fget) is type(vendo.connections)
    assert hint(type(vendo.connections).list) == list[vendo.Connection]
    assert hint(type(aio.connections).get) == vendo.Connection | None
    assert (
        hint(vendo.events.subscribe) is importlib.import_module("vendo._client.streams").EventStream
    )


def test_alias_resolves_to_its_type() -> None:
    on_change = typing.get_args(hint(reconciler.start, "on_change"))
    assert Callable[[reconciler.Change], object] in on_change


@pytest.mark.parametrize(
    ("package", "value", "shown"),
    [
        ("requests", vendo.Vendo.session, "requests.sessions.Session"),
        ("requests.auth", vendo.Vendo.auth, "requests.auth.AuthBase"),
        ("aiohttp", vendo.AsyncVendo.session, "aiohttp.client.ClientSession"),
    ],
)
def test_type_of_a_missing_package_is_any(
    package: str, value: object, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec(package.partition(".")[0]) is not None:
        found = hint(value)
        assert isinstance(found, type)
        assert f"{found.__module__}.{found.__name__}" == shown
    monkeypatch.setitem(sys.modules, package, None)
    assert hint(value) is Any


@pytest.mark.parametrize("module", [_types, _client])
def test_type_checker_and_interpreter_import_the_same_types(
    module: ModuleType,
) -> None:
    block = next(
        node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.If)
    )
    modules: list[str] = []
    names: dict[str, str] = {}
    for node in block.body:
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        else:
            assert isinstance(node, ast.ImportFrom)
            names.update({alias.name: str(node.module) for alias in node.names})
    names.pop("ModuleType", None)
    assert names == vars(module)["MODULE_OF_NAME"]
    assert {*modules, *names} == {*module.__all__} - {"optional_module"}


def test_unknown_type_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'vendo\._types' has no attribute 'Slugg'"):
        _types.Slugg  # type: ignore[attr-defined]  # noqa: B018  # the point
