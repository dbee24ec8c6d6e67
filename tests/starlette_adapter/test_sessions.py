"""Sessions of requests: shared connections, closing, and the warning on an event loop."""

from __future__ import annotations

import asyncio
import copy
import importlib
import pickle
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from starlette_adapter import project
from starlette_adapter.asgi import http_scope
from support.internet import internet
from vendo import MissingExtra, ValidationError, Vendo
from vendo_starlette import (
    VendoMiddleware,
    aclient,
    client,
    vendo_async_session,
    vendo_httpx,
    vendo_session,
    vendo_sync_client,
    vendo_token,
)
from vendo_starlette.clients import clients_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request

    from vendo.testing import LocalVendo


def connection_of(app: Starlette, jwt: str = "") -> HTTPConnection:
    headers = [(b"x-vendo-user-jwt", jwt.encode())] if jwt else []
    return HTTPConnection({**http_scope(headers=headers), "app": app})


# On the thread of an event loop


def _loop_warnings(caught: Iterable[warnings.WarningMessage]) -> list[warnings.WarningMessage]:
    # Others are of what earlier tests left to the garbage collector.
    return [each for each in caught if "event loop" in str(each.message)]


def test_a_requests_session_on_the_event_loop_warns_once(
    vendo_mode: LocalVendo,
) -> None:
    browser = TestClient(project.make_app())
    with pytest.warns(RuntimeWarning) as caught:
        assert [browser.get("/blocking").status_code for _ in range(2)] == [200, 200]

    (warning,) = _loop_warnings(caught)
    assert "vendo_async_session('gmail')" in str(warning.message)
    assert Path(warning.filename) == Path(project.__file__)  # where the session is used


def test_each_application_warns_itself(vendo_mode: LocalVendo) -> None:
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="event loop"):
            TestClient(project.make_app()).get("/blocking")


async def _of_the_dependency(request: Request) -> Vendo:
    return await vendo_sync_client()(request)


async def _of_the_request(request: Request) -> Vendo:
    return client(request)


async def _of_the_application(request: Request) -> Vendo:
    return client(request.app)


async def _of_the_state(request: Request) -> Vendo:
    blocking: Vendo = request.state.vendo_sync
    return blocking


@pytest.mark.parametrize("scope", ["as it is", "for_user", "for_request"])
@pytest.mark.parametrize(
    "way", [_of_the_dependency, _of_the_request, _of_the_application, _of_the_state]
)
def test_sessions_of_every_blocking_client_warn(
    way: Callable[[Request], Awaitable[Vendo]], scope: str, vendo_mode: LocalVendo
) -> None:
    async def blocking(request: Request) -> Response:
        vendo = await way(request)
        if scope == "for_user":
            vendo = vendo.for_user("user.one.jwt")
        elif scope == "for_request":
            vendo = vendo.for_request({"X-Vendo-User-JWT": "user.one.jwt"})
        with vendo.session("gmail", hosts=["mail.example.com"]) as gmail:
            return JSONResponse([gmail.get(project.PROFILE).json() for _ in range(2)])

    app = Starlette(routes=[Route("/", blocking)], middleware=[Middleware(VendoMiddleware)])
    with pytest.warns(RuntimeWarning, match="event loop") as caught:
        assert TestClient(app).get("/").status_code == 200
    (warning,) = _loop_warnings(caught)
    assert "vendo_async_session('gmail')" in str(warning.message)
    assert Path(warning.filename) == Path(__file__)


def test_a_pickled_blocking_client_is_a_plain_client(vendo_mode: LocalVendo) -> None:
    vendo = client(Starlette())

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        other = pickle.loads(pickle.dumps(vendo, protocol))
        assert type(other) is Vendo
        assert repr(other) == repr(vendo)
        assert other.token("gmail") == vendo_mode.token("gmail")
        other.close()


def test_if_warnings_are_errors_nothing_is_sent(vendo_mode: LocalVendo) -> None:
    with pytest.raises(RuntimeWarning):
        TestClient(project.make_app()).get("/blocking")
    assert vendo_mode.count("provider") == 0


def test_a_requests_session_in_a_thread_does_not_warn(vendo_mode: LocalVendo) -> None:
    app = Starlette()
    session = asyncio.run(vendo_session("gmail")(connection_of(app)))

    assert session.get(project.PROFILE).status_code == 200
    assert repr(session.auth) == "<VendoAuth 'gmail'>"


def test_a_copied_or_pickled_session_is_a_plain_session(vendo_mode: LocalVendo) -> None:
    session = asyncio.run(vendo_session("gmail")(connection_of(Starlette())))
    vendo_mode.expire("gmail")

    for other in (copy.deepcopy(session), pickle.loads(pickle.dumps(session))):
        assert type(other.auth).__name__ == "VendoAuth"
    assert session.get(project.PROFILE).status_code == 200


# Shared connections


@pytest.mark.parametrize("path", ["/session", "/async-session", "/httpx"])
def test_a_session_for_a_request_opens_no_connection(path: str, vendo_mode: LocalVendo) -> None:
    with TestClient(project.make_app()) as browser:
        for jwt in ("user.one.jwt", "user.other.jwt"):
            browser.get(path, headers={"X-Vendo-User-JWT": jwt})
        opened = vendo_mode.connections_opened
        for jwt in ("user.one.jwt", "user.other.jwt") * 3:
            browser.get(path, headers={"X-Vendo-User-JWT": jwt})
        assert vendo_mode.connections_opened == opened


def test_a_session_is_closed_after_its_request(vendo_mode: LocalVendo) -> None:
    async def main() -> None:
        connection = connection_of(Starlette())
        session = await vendo_async_session("gmail")(connection)
        async with session.get(project.PROFILE) as response:
            assert response.status == 200
        assert not session.closed
        del connection
        assert session.closed

    asyncio.run(main())


def test_closing_a_session_does_not_close_others(vendo_mode: LocalVendo) -> None:
    async def main() -> None:
        connection = connection_of(Starlette())
        for make in (vendo_async_session("gmail"), vendo_httpx("gmail")):
            async with await make(connection):
                pass
            session: Any = await make(connection)
            assert (await session.get(project.PROFILE)).url
        session.post  # noqa: B018  # still open

    asyncio.run(main())


def test_an_httpx_client_works_after_its_request(vendo_mode: LocalVendo) -> None:
    async def main() -> None:
        kept = await vendo_httpx("gmail")(connection_of(Starlette()))
        assert (await kept.get(project.PROFILE)).status_code == 200

    asyncio.run(main())


@pytest.mark.parametrize("slug", ["gmail", "in-house"])
def test_sessions_reach_the_fake_providers_without_a_base_url(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    server.connect(slug)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)

    async def main() -> None:
        connection = connection_of(Starlette())
        for make in (vendo_async_session(slug), vendo_httpx(slug)):
            session: Any = await make(connection)
            response = await session.get("echo")
            assert str(response.url) == f"{server.provider_url(slug)}/echo"

    asyncio.run(main())


def test_httpx_connections_are_closed_with_the_application(vendo_mode: LocalVendo) -> None:
    async def profile(request: Request) -> Response:
        gmail = await vendo_httpx("gmail")(request)
        return JSONResponse((await gmail.get(project.PROFILE)).json())

    app = Starlette(routes=[Route("/", profile)], middleware=[Middleware(VendoMiddleware)])
    with TestClient(app) as browser:
        browser.get("/")
        pools = list(clients_of(app).pools._of_loop.values())
        assert pools[0]._transports
    assert not pools[0]._transports
    with TestClient(app) as browser:
        assert browser.get("/").status_code == 200


def test_httpx_connections_are_closed_with_their_loop(vendo_mode: LocalVendo) -> None:
    app = Starlette()

    async def main() -> int:
        gmail = await vendo_httpx("gmail")(connection_of(app))
        return (await gmail.get(project.PROFILE)).status_code

    # An open connection of an ended loop would warn, and warnings are errors here.
    assert [asyncio.run(main()) for _ in range(3)] == [200] * 3


def test_each_event_loop_has_its_own_connections(vendo_mode: LocalVendo) -> None:
    app = Starlette()
    statuses: list[int] = []

    async def main() -> None:
        gmail = await vendo_httpx("gmail")(connection_of(app))
        responses = await asyncio.gather(*(gmail.get(project.PROFILE) for _ in range(5)))
        statuses.extend(response.status_code for response in responses)

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


# Addresses


@pytest.mark.parametrize("make", [vendo_async_session, vendo_httpx])
def test_a_custom_base_url_gets_the_token(make: Any, vendo_mode: LocalVendo) -> None:
    base = vendo_mode.provider_url("gmail")

    async def main() -> None:
        connection = connection_of(Starlette())
        session = await make("in-house", base_url=base)(connection)
        await session.get("gmail/v1/users/me/profile")

    vendo_mode.connect("in-house")
    asyncio.run(main())
    assert vendo_mode.requests[-1].headers["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize("make", [vendo_async_session, vendo_httpx])
@pytest.mark.parametrize(
    "other", ["https://a.example:8443/", "https://[::1]/", "https://b.example"]
)
def test_a_custom_base_url_allows_only_its_port(
    make: Any, other: str, vendo_mode: LocalVendo
) -> None:
    async def main() -> None:
        connection = connection_of(Starlette())
        session = await make("in-house", base_url="https://a.example/v1/")(connection)
        with pytest.raises(ValidationError, match="not sent to"):
            await session.get(other)

    vendo_mode.connect("in-house")
    asyncio.run(main())


@pytest.mark.parametrize("base_url", ["http://[::1]:8080", "https://[::1]", "https://a.example:1"])
def test_httpx_accepts_the_same_base_urls(base_url: str, vendo_mode: LocalVendo) -> None:
    async def main() -> str:
        gmail = await vendo_httpx("gmail", base_url=base_url)(connection_of(Starlette()))
        return str(gmail.base_url)

    assert asyncio.run(main()).rstrip("/") == base_url


def test_a_token_is_not_sent_to_another_host(vendo_mode: LocalVendo) -> None:
    async def main() -> None:
        connection = connection_of(Starlette())
        for make in (vendo_async_session("gmail"), vendo_httpx("gmail")):
            with pytest.raises(ValidationError, match="not sent to"):
                await (await make(connection)).get("https://example.com/")
        blocking = await vendo_session("gmail")(connection)
        with pytest.raises(ValidationError, match="not sent to"):
            await asyncio.to_thread(blocking.get, "https://example.com/")

    asyncio.run(main())


def test_httpx_uses_the_environments_proxy(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Starlette()

    async def address() -> str:
        gmail = await vendo_httpx("gmail")(connection_of(app))
        found: str = (await gmail.get(project.PROFILE)).json()["emailAddress"]
        return found

    with internet(server) as net:
        for name, value in net.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GMAIL_ACCESS_TOKEN", server.token("gmail"))
        assert asyncio.run(address()).endswith("@example.com")
        assert [request.slug for request in server.requests] == ["gmail"]


def test_httpx_skips_the_proxy_for_no_proxy_hosts(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vendo_starlette.httpx_clients import _proxy_of

    monkeypatch.setenv(
        "HTTPS_PROXY", "127.0.0.1:9"
    )  # nothing listens there: using this proxy fails
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "internal.example.com")

    assert _proxy_of("https://gmail.googleapis.com/") == "http://127.0.0.1:9"
    assert _proxy_of("https://internal.example.com/") is None
    assert (
        TestClient(project.make_app()).get("/httpx").status_code == 200
    )  # plain http on this machine


# Extras


@pytest.mark.parametrize(
    ("missing", "make", "extra"),
    [
        (["requests"], vendo_session, "http"),
        (["aiohttp"], vendo_async_session, "async"),
        (["httpx2", "httpx"], vendo_httpx, "httpx"),
    ],
)
def test_a_missing_extra_is_named(
    missing: list[str], make: Any, extra: str, vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(MissingExtra, match=rf"vendo-sdk\[{extra}\]"):
        asyncio.run(make("gmail")(connection_of(Starlette())))


def test_httpx_is_used_if_httpx2_is_missing(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpx = importlib.import_module("httpx")
    app = Starlette()

    async def main() -> Any:
        gmail = await vendo_httpx("gmail")(connection_of(app))
        return gmail, await gmail.get(project.PROFILE)

    newer, _ = asyncio.run(main())
    monkeypatch.setitem(sys.modules, "httpx2", None)
    older, response = asyncio.run(main())
    assert (type(newer).__module__, type(older).__module__) == ("httpx2", "httpx")
    assert isinstance(older, httpx.AsyncClient)
    assert response.status_code == 200


def test_without_aiohttp_the_clients_use_threads(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    app = Starlette()

    async def main() -> str:
        return await vendo_token("gmail")(connection_of(app, "user.threads.jwt"))

    assert asyncio.run(main()) == vendo_mode.token("gmail", user="user.threads.jwt")
    assert "over threads" in repr(aclient(app))
    client(app).close()


def test_no_library_is_imported_before_it_is_used() -> None:
    import subprocess

    program = """
import sys
import vendo_starlette
from vendo_starlette import *
dependencies = [vendo_token("a"), vendo_session("a"), vendo_async_session("a"), vendo_httpx("a")]
for name in "requests", "aiohttp", "httpx", "httpx2", "fastapi", "vendo.testing":
    assert name not in sys.modules, name
assert set(vendo_starlette.__all__) <= set(dir(vendo_starlette))
try:
    vendo_starlette.vendo_sesion
except AttributeError as error:
    assert "vendo_sesion" in str(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_token_is_renewed_after_a_401(vendo_mode: LocalVendo) -> None:
    with TestClient(project.make_app()) as browser:
        for path in ("/session", "/async-session", "/httpx"):
            browser.get(path)
            vendo_mode.expire("gmail")
            assert "emailAddress" in browser.get(path).json()


def test_a_failing_request_still_warns(vendo_mode: LocalVendo) -> None:
    vendo_mode.fail("provider", reset=True, times=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(requests.ConnectionError):
            TestClient(project.make_app()).get("/blocking")
    assert len(_loop_warnings(caught)) == 1


# The key of an SDK

DUMMY = {"Authorization": "Bearer of an SDK"}


def test_each_session_replaces_the_key_of_an_sdk(vendo_mode: LocalVendo) -> None:
    connection = connection_of(Starlette(), "user.one.jwt")
    token = vendo_mode.token("gmail", user="user.one.jwt")

    async def main() -> list[int]:
        async with (
            await vendo_async_session("gmail", override=True)(connection) as session,
            session.get(project.PROFILE, headers=DUMMY) as response,
        ):
            over_httpx = await vendo_httpx("gmail", override=True)(connection)
            return [
                response.status,
                (await over_httpx.get(project.PROFILE, headers=DUMMY)).status_code,
            ]

    blocking = asyncio.run(vendo_session("gmail", override=True)(connection))
    statuses = [*asyncio.run(main()), blocking.get(project.PROFILE, headers=DUMMY).status_code]
    assert statuses == [200] * 3
    sent = [seen for seen in vendo_mode.requests if seen.surface == "provider"]
    assert [seen.headers["authorization"] for seen in sent] == [f"Bearer {token}"] * 3


@pytest.mark.parametrize("factory", [vendo_session, vendo_async_session, vendo_httpx])
def test_replacing_a_key_is_part_of_the_value(factory: Callable[..., Any]) -> None:
    assert factory("gmail", override=True) == factory("gmail", override=True)
    assert factory("gmail", override=True) != factory("gmail")
    with pytest.raises(ValidationError, match="override="):
        factory("gmail", override="yes")
