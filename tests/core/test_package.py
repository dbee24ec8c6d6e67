"""The package as a namespace: its names, the default client's functions, its imports."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

import vendo
from vendo import aio
from vendo.testing import LocalVendo

FUNCTIONS = [
    "connect_url", "for_request", "for_user", "invalidate", "is_vendo_mode", "session", "token",
    "tokens",
]  # fmt: skip
SUB_APIS = ["billing", "connections", "data", "events", "integrations", "webhooks"]
SUBMODULES = ["aio", "deployment", "errors", "reconciler", "sso", "testing"]

#: Modules that a first token must not import (they take seconds in other libraries).
HEAVY = {"ssl", "socket", "asyncio", "http", "http.client", "json", "logging", "typing", "requests",
         "dataclasses", "inspect", "threading", "concurrent.futures"}  # fmt: skip


def imported_by(program: str, **environment: str) -> list[list[str]]:
    """Return what each line of a program imports in a new interpreter."""
    lines = [
        "import sys",
        "found, known = [], set(sys.modules)",
        "def note():",
        "    found.append(sorted(set(sys.modules) - known)); known.update(sys.modules)",
    ]
    for line in program.splitlines():
        lines += [line, "note()"]
    lines += ["import json", "print(json.dumps(found))"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_importing_the_package_imports_nothing_else() -> None:
    assert imported_by("import vendo") == [["vendo"]]


def test_a_first_token_in_oss_mode_imports_nothing_heavy() -> None:
    first, second, several = imported_by(
        "import vendo; vendo.token('openai')\nvendo.token('slack')\nvendo.tokens(['openai', 'x'])",
        OPENAI_API_KEY="sk-1",
        SLACK_BOT_TOKEN="xoxb-1",
    )
    assert not HEAVY.intersection(first)
    assert [name for name in first if not name.startswith(("vendo", "_"))] == [
        name for name in ("itertools", "types", "weakref") if name in first
    ]
    assert second == []
    assert sorted(several) == ["vendo._protocol.steps", "vendo._transports.driver"]


def test_an_override_in_vendo_mode_imports_nothing_heavy() -> None:
    [first] = imported_by(
        "import vendo; vendo.token('openai')",
        VENDO_TOKEN_OPENAI="sk-1",
        VENDO_API_KEY="vendo_sk_" + "k" * 32,
    )
    assert not HEAVY.intersection(first)


#: What a first token of Vendo mode imports in addition to a request by hand, which imports `random`
#: before Python 3.13.
MORE_THAN_BY_HAND = {"__future__", "atexit", "bisect", "random", "weakref"}


def test_a_first_token_in_vendo_mode_imports_little_more_than_a_request_by_hand() -> None:
    with LocalVendo(connections=["gmail"]) as server:
        host, _, path = server.credentials_url.removeprefix("http://").partition("/")
        headers = {"Authorization": f"Bearer {server.api_key}"}
        by_hand = f"""
import http.client, json
kept = http.client.HTTPConnection({host!r})
kept.request("GET", {f"/{path}/gmail"!r}, headers={headers})
json.loads(kept.getresponse().read())["access_token"]
"""
        [found] = imported_by("import vendo; vendo.token('gmail')", **server.environment())
        expected = imported_by(by_hand)
        assert server.count("credentials") == 2

    more = {name for name in found if not name.startswith("vendo")}.difference(*expected)
    assert {name for name in more if not name.startswith("_")} <= MORE_THAN_BY_HAND
    assert not more & {"urllib.request", "logging", "asyncio", "typing", "dataclasses", "argparse"}


def test_proxies_are_imported_where_a_variable_or_the_system_sets_one() -> None:
    program = "from vendo._transports.routes import route_of\nroute_of('https://vendo.run')"
    system_sets_one = sys.platform in {"darwin", "win32"}
    assert ("urllib.request" in imported_by(program)[1]) == system_sets_one
    assert "urllib.request" in imported_by(program, HTTPS_PROXY="http://proxy.example")[1]


def test_error_names_do_not_import_the_client() -> None:
    [found] = imported_by("from vendo import NotConnected, VendoError")
    assert set(found) <= {"__future__", "vendo", "vendo.errors"}


def test_every_private_module_is_in_a_room() -> None:
    modules = [module for module in pkgutil.iter_modules(vendo.__path__) if not module.ispkg]
    assert [module.name for module in modules if module.name.startswith("_")] == ["__main__"]


def test_every_room_has_a_docstring() -> None:
    rooms = [module.name for module in pkgutil.iter_modules(vendo.__path__) if module.ispkg]
    for room in rooms:
        docstring = importlib.import_module(f"vendo.{room}").__doc__ or ""
        assert len(docstring.strip().splitlines()) >= 3, room


def test_no_submodule_shadows_an_attribute() -> None:
    """Importing a submodule sets it on the package, and replaces an attribute of that name."""
    modules = {module.name for module in pkgutil.iter_modules(vendo.__path__)}
    assert not modules.intersection([*FUNCTIONS, *SUB_APIS])
    assert modules >= set(SUBMODULES)
    public = {name for name in modules if not name.startswith("_")}
    assert not public.intersection(set(vendo.__all__) - set(SUBMODULES))


def test_importing_every_module_leaves_the_attributes_in_place() -> None:
    program = (
        "import pkgutil, importlib, vendo\n"
        "for module in pkgutil.walk_packages(vendo.__path__, 'vendo.'):\n"
        "    if module.name != 'vendo.__main__':\n"
        "        try: importlib.import_module(module.name)\n"
        "        except ImportError as missing: assert not str(missing.name).startswith('vendo')\n"
        f"assert all(callable(getattr(vendo, name)) for name in {FUNCTIONS})\n"
        f"assert all(hasattr(vendo, name) for name in {SUB_APIS})\n"
        "import types\n"
        f"values = [getattr(vendo, name) for name in {FUNCTIONS + SUB_APIS}]\n"
        "assert not [value for value in values if isinstance(value, types.ModuleType)]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", vendo.__all__)
def test_every_public_name_exists_and_has_a_docstring(name: str) -> None:
    value = getattr(vendo, name)
    assert value is getattr(vendo, name)
    if name not in {"Slug", "__version__"}:  # they have no place for one
        assert inspect.getdoc(value)


def test_names_are_sorted_and_in_dir() -> None:
    assert vendo.__all__ == sorted(vendo.__all__)
    assert set(vendo.__all__) <= set(dir(vendo))
    assert dir(vendo) == sorted(dir(vendo))


def test_dir_lists_names_before_their_first_use() -> None:
    program = "import vendo; print(sorted(set(vendo.__all__) - set(dir(vendo))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_star_import_has_all_names() -> None:
    names: dict[str, Any] = {}
    exec("from vendo import *", names)
    assert set(vendo.__all__) <= set(names)
    assert names["token"] is vendo.token


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'vendo' has no attribute 'tokne'"):
        vendo.tokne  # type: ignore[attr-defined]  # noqa: B018  # the point
    assert not hasattr(vendo, "__path_to_nowhere__")


def test_the_type_checker_and_the_interpreter_see_the_same_names() -> None:
    import ast

    [block] = [
        node
        for node in ast.parse(inspect.getsource(vendo)).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    ]
    seen: set[str] = set()
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            seen.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            seen.add(node.target.id)
    assert seen - {"_default_client", "Final"} == set(vendo.__all__) - {"__version__"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_a_method_of_one_default_client(name: str) -> None:
    from vendo._client.default import client

    assert getattr(vendo, name) == getattr(client, name)
    assert getattr(vendo, name).__self__ is client


@pytest.mark.parametrize("name", [*FUNCTIONS, *SUB_APIS])
def test_asyncio_has_a_twin_of_each(name: str) -> None:
    assert hasattr(aio, name)
    assert name in aio.__all__


@pytest.mark.parametrize("cls", [vendo.Vendo, vendo.AsyncVendo])
def test_client_has_the_whole_api(cls: type) -> None:
    assert not [name for name in [*FUNCTIONS, *SUB_APIS, "httpx_auth"] if not hasattr(cls, name)]


def test_every_public_method_of_the_clients_and_apis_has_a_docstring() -> None:
    from vendo._client import apis, async_apis, events

    classes = [vendo.Vendo, vendo.AsyncVendo, vendo.WebhooksAPI]
    for module in (apis, async_apis, events):
        classes += [
            cls
            for name, cls in vars(module).items()
            if inspect.isclass(cls)
            and not name.startswith("_")
            and cls.__module__ == module.__name__
        ]
    missing = [
        f"{cls.__name__}.{name}"
        for cls in classes
        for name, member in inspect.getmembers(cls)
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, property))
        and not inspect.getdoc(member)
    ]
    assert missing == []


def test_default_client_follows_the_environment(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "ya29.local")
    billing, connections = vendo.billing, vendo.connections
    assert vendo.token("gmail") == vendo_mode.token("gmail")
    assert billing.balance().currency == "USD"
    assert vendo.connect_url("gmail").startswith(vendo_mode.url)
    assert vendo.data.execute("GMAIL_FETCH_EMAILS")
    assert connections.connected_slugs() == ["gmail", "openai", "slack"]
    assert [row.slug for row in vendo.integrations.list()]
    vendo.invalidate("gmail")
    assert vendo.token("gmail") == vendo_mode.token("gmail")

    monkeypatch.setenv("VENDO_API_KEY", " ")
    assert vendo.token("gmail") == "ya29.local"
    assert connections.connected_slugs() == ["gmail"]
    with pytest.raises(vendo.VendoOnlyFeature):
        billing.balance()


def test_the_version_is_the_distributions() -> None:
    from importlib.metadata import version

    assert version("vendo-sdk") == vendo.__version__


def test_pytest_does_not_rewrite_packages_that_are_not_plugins() -> None:
    for name in ("vendo", "vendo.testing"):
        assert "PYTEST_DONT_REWRITE" in (importlib.import_module(name).__doc__ or "")
