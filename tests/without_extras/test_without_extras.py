"""The base install does everything but sessions, and those raise with the pip command.

These run in an environment in which no extra is installed.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import aio
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "vendo_sk_" + "k" * 32
PACKAGES = ["aiohttp", "django", "dotenv", "fastapi", "flask", "httpx", "httpx2", "requests",
            "starlette"]  # fmt: skip


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "slack"]) as server:
        yield server


@pytest.mark.parametrize("package", PACKAGES)
def test_no_extra_is_installed_here(package: str) -> None:
    assert find_spec(package) is None


NEEDS: dict[str, tuple[str, str, Callable[[], Any]]] = {
    "vendo.session": ("requests", "http", lambda: vendo.session("gmail")),
    "session": ("requests", "http", lambda: vendo.Vendo(KEY).session("gmail")),
    "auth": ("requests", "http", lambda: vendo.Vendo(KEY).auth("gmail")),
    "httpx_auth": ("httpx2", "httpx", lambda: vendo.Vendo(KEY).httpx_auth("gmail")),
    "async httpx_auth": ("httpx2", "httpx", lambda: vendo.AsyncVendo(KEY).httpx_auth("gmail")),
    "aio.httpx_auth": ("httpx2", "httpx", lambda: aio.httpx_auth("gmail")),
    "aio.session": ("aiohttp", "async", lambda: asyncio.run(aio.session("gmail"))),
    "async session": (
        "aiohttp",
        "async",
        lambda: asyncio.run(vendo.AsyncVendo(KEY).session("gmail")),
    ),
    "transport=": ("aiohttp", "async", lambda: vendo.AsyncVendo(KEY, transport="aiohttp")),
}


@pytest.mark.parametrize("name", NEEDS)
def test_missing_extra_error_has_the_pip_command(name: str) -> None:
    package, extra, call = NEEDS[name]
    with pytest.raises(vendo.MissingExtra) as caught:
        call()
    assert isinstance(caught.value, ImportError)
    assert caught.value.code == "extra_missing"
    assert str(caught.value) == (
        f'{package} is not installed. Fix: pip install "vendo-sdk[{extra}]"'
    )


def test_missing_extra_is_reported_before_a_bad_slug() -> None:
    """The installation is fixed first, then the slug."""
    with pytest.raises(vendo.MissingExtra):
        vendo.session("no slug")


def test_the_blocking_client_needs_no_extra(server: LocalVendo) -> None:
    with server.client() as client:
        assert client.token("gmail") == server.token("gmail")
        assert client.tokens(["gmail", "notion"]) == {
            "gmail": server.token("gmail"),
            "notion": None,
        }
        assert client.connections.connected_slugs() == ["gmail", "slack"]
        assert client.billing.balance().currency == "USD"
        assert client.data.execute("GMAIL_FETCH_EMAILS")
        headers, body = server.sign_webhook({})
        assert vendo.WebhooksAPI(server.webhook_secret).verify(headers, body)


def test_the_async_client_needs_no_extra(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client() as client:
            assert "over threads" in repr(client)
            assert await client.token("gmail") == server.token("gmail")
            assert await client.connections.connected_slugs() == ["gmail", "slack"]

    asyncio.run(main())


def test_events_need_no_extra(server: LocalVendo) -> None:
    def emit() -> None:
        server.wait_for_streams(1)
        server.emit("connection.changed", slug="gmail")

    with ThreadPoolExecutor(1) as pool, server.client().events.subscribe() as events:
        pool.submit(emit)
        assert next(events).slug == "gmail"


def test_every_module_but_the_sessions_can_be_imported() -> None:
    import pkgutil
    from importlib import import_module

    missing = {}
    for module in pkgutil.walk_packages(vendo.__path__, "vendo."):
        if module.name != "vendo.__main__":
            try:
                import_module(module.name)
            except ImportError as error:
                missing[module.name] = error.name
    assert set(missing.values()) <= {"aiohttp", "requests"}
    assert all(name.startswith("vendo._") for name in missing)


def test_a_star_import_needs_no_extra() -> None:
    names: dict[str, Any] = {}
    exec("from vendo import *", names)
    assert set(vendo.__all__) <= set(names)


def test_only_the_standard_library_is_imported() -> None:
    import subprocess

    program = (
        "import sys, asyncio\n"
        "known = set(sys.modules)\n"
        "from vendo import *\n"
        "import vendo\n"
        "from vendo.testing import LocalVendo\n"
        "with LocalVendo(['gmail']) as server:\n"
        "    server.client().token('gmail')\n"
        "    asyncio.run(server.async_client().connections.list())\n"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - known}\n"
        "print(sorted(roots - sys.stdlib_module_names - {'vendo'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_command_line_needs_no_extra() -> None:
    import os
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "vendo", "token", "openai"],
        env={**os.environ, "OPENAI_API_KEY": "sk-1", "VENDO_API_KEY": ""},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("sk-1\n", "", 0)
