"""`VendoSettings(watch=True)`: an application watches events from its start to its end."""

from __future__ import annotations

import logging
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import vendo
from support.redis_server import redis_server
from support.servers import nowhere
from support.shown import texts_of
from support.watches import Watches, until, watches
from vendo import AsyncVendo, MissingExtra, NotConnected, ValidationError
from vendo.testing import LocalVendo, MockAsyncClient, MockClient
from vendo_starlette import VendoMiddleware, VendoSettings, aclient, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.requests import Request

PASSWORD = "canary-password-19f4"
OPTION = "redis_url="
#: Where the URL is set: in the settings or in the environment.
PLACES = pytest.mark.parametrize("place", [OPTION, "VENDO_REDIS_URL"])


@pytest.fixture(autouse=True)
def watched() -> Iterator[Watches]:
    with watches() as found:
        yield found


async def endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await aclient(request).token("gmail"))


def application(settings: VendoSettings | None = None, **how: Any) -> Starlette:
    app = Starlette(routes=[Route("/token", endpoint)], **how)
    install(app, settings or VendoSettings(watch=True))
    return app


def with_middleware(settings: VendoSettings) -> Starlette:
    middleware = [Middleware(VendoMiddleware, settings=settings)]
    return Starlette(routes=[Route("/token", endpoint)], middleware=middleware)


def of_fastapi(settings: VendoSettings) -> Starlette:
    app = FastAPI(routes=[Route("/token", endpoint)])
    install(app, settings)
    return app


KINDS = pytest.mark.parametrize("make", [application, with_middleware, of_fastapi])


def watching(place: str, url: Any, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """Make an application that watches, with the URL of a Redis in this place."""
    if place == OPTION:
        return application(VendoSettings(watch=True, redis_url=url))
    monkeypatch.setenv(place, url)
    return application()


def for_server(server: LocalVendo) -> VendoSettings:
    """Return settings that say where a local server is."""
    return VendoSettings(
        api_key=server.api_key,
        base_url=server.url,
        credentials_url=server.credentials_url,
        data_proxy_url=server.data_proxy_url,
        watch=True,
    )


def url_of(place: str, port: int | None = None, login: str = "") -> str:
    """Return the URL of a Redis, of one that is away without a port. Each place has its own."""
    address = nowhere().partition("//")[2] if port is None else f"127.0.0.1:{port}"
    return f"redis://{login}{address}/{4 + int(place == OPTION)}"


def token_of(browser: TestClient) -> str:
    """Return what a request gets."""
    response = browser.get("/token")
    assert response.status_code == 200, response.text
    return response.text


@pytest.mark.parametrize("value", ["yes", "1", "", 0, 1, 1.0, object(), []])
def test_an_option_of_a_wrong_type_is_an_error(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        VendoSettings(watch=value)
    assert str(caught.value).startswith("watch= must be True or False.")
    assert "Write VendoSettings(watch=True)." in str(caught.value)


@pytest.mark.parametrize("value", [None, False])
def test_without_the_option_nothing_is_watched(
    value: Any, vendo_mode: LocalVendo, watched: Watches
) -> None:
    with TestClient(application(VendoSettings(watch=value, redis_url=url_of(OPTION)))) as browser:
        assert token_of(browser) == vendo_mode.token("gmail")
        assert watched.threads == []


@PLACES
@pytest.mark.parametrize(
    "url", ["nonsense", "http://h", f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port"]
)
def test_a_malformed_url_is_one_error_at_the_start(
    url: str,
    place: str,
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    app = watching(place, url, monkeypatch)
    with pytest.raises(ValidationError) as caught, TestClient(app):
        raise AssertionError
    assert str(caught.value).startswith(f"The Redis URL in {place} is malformed.")
    assert "redis://127.0.0.1:6379/0" in str(caught.value)
    assert PASSWORD not in "".join(texts_of(caught.value))
    assert watched.threads == []
    assert vendo_mode.requests == []


def test_a_url_that_is_not_text_is_an_error() -> None:
    with pytest.raises(ValidationError, match=r"redis_url= must be a string\."):
        VendoSettings(watch=True, redis_url=5)  # type: ignore[arg-type]  # that is tested


def test_a_blank_url_is_none(vendo_mode: LocalVendo, watched: Watches) -> None:
    with TestClient(application(VendoSettings(watch=True, redis_url=""))) as browser:
        assert token_of(browser) == vendo_mode.token("gmail")
        vendo_mode.wait_for_streams(1, timeout=60)
        assert watched.modes == ["stream"]


@PLACES
def test_without_the_package_it_does_not_start(
    place: str, vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch, watched: Watches
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setattr("vendo._config.extras.find_spec", lambda _: None)
    app = watching(place, "redis://127.0.0.1:6379/0", monkeypatch)
    with pytest.raises(MissingExtra, match=r"vendo-sdk\[redis\]"), TestClient(app):
        raise AssertionError
    assert watched.threads == []


@pytest.mark.redis
@PLACES
@pytest.mark.parametrize("login", ["", f"someone:not-{PASSWORD}@"])
def test_a_password_that_is_not_accepted_is_one_error_at_the_start(
    login: str,
    place: str,
    vendo_mode: LocalVendo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    with redis_server(tmp_path, "--requirepass", PASSWORD) as redis:
        app = watching(place, url_of(place, redis.port, login), monkeypatch)
        with pytest.raises(ValidationError) as caught, TestClient(app):
            raise AssertionError
    assert str(caught.value).startswith(f"The Redis URL in {place} has no password")
    assert PASSWORD not in "".join(texts_of(caught.value))
    assert watched.threads == []


@PLACES
def test_a_redis_that_is_away_is_logged_once(
    place: str,
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    app = watching(place, url_of(place, login=f":{PASSWORD}@"), monkeypatch)
    with caplog.at_level(logging.DEBUG, "vendo"), TestClient(app) as browser:
        for _ in range(3):
            assert token_of(browser) == vendo_mode.token("gmail")
        until(lambda: watched.modes == ["polling"])
    (record,) = [each for each in caplog.records if "Redis" in each.getMessage()]
    assert record.levelno == logging.WARNING
    assert f"the Redis URL in {place} does not respond" in record.getMessage()
    assert PASSWORD not in caplog.text
    assert vendo_mode.open_streams == 0
    assert watched.threads == []


def test_in_oss_mode_nothing_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "ya29.mine")
    app = application(VendoSettings(watch=True, redis_url=url_of(OPTION)))
    with caplog.at_level(logging.DEBUG, "vendo"), TestClient(app) as browser:
        assert token_of(browser) == "ya29.mine"
        assert watched.threads == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@KINDS
@pytest.mark.parametrize("kind", ["MockAsyncClient", "autospec"])
def test_a_mock_is_not_watched(
    kind: str, make: Any, vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    mock: Any = MockAsyncClient({"gmail": "sk-test-mock"})
    if kind == "autospec":
        mock = create_autospec(AsyncVendo, instance=True)
        mock.token.return_value = "sk-test-mock"
        mock.for_request.return_value = mock
    app = make(VendoSettings(watch=True))
    install(app, client=MockClient(), aclient=mock)
    with caplog.at_level(logging.DEBUG, "vendo"), TestClient(app) as browser:
        assert token_of(browser) == "sk-test-mock"
        assert watched.threads == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert vendo_mode.requests == []


@KINDS
def test_it_lasts_from_the_start_to_the_end_of_the_application(
    make: Any, vendo_mode: LocalVendo, watched: Watches
) -> None:
    app = make(VendoSettings(watch=True))
    assert watched.threads == []
    for times in (1, 2):
        with TestClient(app) as browser:
            assert watched.threads == ["vendo-events"]
            vendo_mode.wait_for_streams(1, timeout=60)
            for _ in range(3):
                assert token_of(browser) == vendo_mode.token("gmail")
            assert watched.threads == ["vendo-events"]
        assert watched.threads == []
        vendo_mode.wait_for_streams(0, timeout=60)
        assert vendo_mode.count("events") == times


def test_a_token_after_the_end_begins_nothing(vendo_mode: LocalVendo, watched: Watches) -> None:
    with TestClient(application()):
        vendo_mode.wait_for_streams(1, timeout=60)
    assert vendo.token("gmail") == vendo_mode.token("gmail")
    assert watched.threads == []


def test_an_application_without_a_lifespan_watches_from_its_first_token_on(
    vendo_mode: LocalVendo, watched: Watches
) -> None:
    app = application()
    assert watched.threads == []
    client = TestClient(app)  # not a context: there is no lifespan
    assert token_of(client) == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    new = vendo_mode.rotate("gmail")
    until(lambda: token_of(client) == new)
    assert watched.threads == ["vendo-events"]


@KINDS
@pytest.mark.parametrize("fails", ["the check", "the lifespan"])
def test_a_start_that_fails_ends_it(
    fails: str, make: Any, vendo_mode: LocalVendo, watched: Watches
) -> None:
    app = make(VendoSettings(watch=True, required=["notion"] if fails == "the check" else []))
    if fails == "the lifespan":
        own = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(scope_app: Any) -> AsyncIterator[Any]:
            async with own(scope_app) as state:
                vendo_mode.wait_for_streams(1, timeout=60)
                if vendo_mode.open_streams:
                    raise RuntimeError("it cannot start")
                yield state

        app.router.lifespan_context = lifespan
    with pytest.raises((NotConnected, RuntimeError)), TestClient(app):
        raise AssertionError
    assert watched.threads == []
    vendo_mode.wait_for_streams(0, timeout=60)


@KINDS
def test_a_rotated_credential_reaches_the_application(
    make: Any, vendo_mode: LocalVendo, watched: Watches
) -> None:
    with TestClient(make(VendoSettings(watch=True))) as browser:
        assert token_of(browser) == vendo_mode.token("gmail")
        vendo_mode.wait_for_streams(1, timeout=60)
        new = vendo_mode.rotate("gmail")
        until(lambda: token_of(browser) == new)
        assert watched.modes == ["stream"]
    assert vendo_mode.count("events") == 1


@pytest.mark.redis
@PLACES
def test_with_redis_a_rotated_credential_reaches_the_application(
    place: str,
    vendo_mode: LocalVendo,
    redis_port: int,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    app = watching(place, url_of(place, redis_port), monkeypatch)
    for _ in range(2):
        with TestClient(app) as browser:
            assert token_of(browser) == vendo_mode.token("gmail")
            vendo_mode.wait_for_streams(1, timeout=60)
            new = vendo_mode.rotate("gmail")
            until(lambda new=new: token_of(browser) == new)  # type: ignore[misc]  # bound here
            assert watched.modes == ["redis"]
            assert watched.threads == ["vendo-events", "vendo-events-leader"]
        vendo_mode.wait_for_streams(0, timeout=60)
        until(lambda: watched.threads == [])


def test_applications_with_one_key_share_a_stream(server: LocalVendo, watched: Watches) -> None:
    one, two = (application(for_server(server)) for _ in range(2))
    with TestClient(two) as second:
        with TestClient(one) as first:
            assert token_of(first) == token_of(second) == server.token("gmail")
            server.wait_for_streams(1, timeout=60)
            assert watched.threads == ["vendo-events"]
        new = server.rotate("gmail")
        until(lambda: token_of(second) == new)
        assert server.count("events") == 1
    server.wait_for_streams(0, timeout=60)
    assert watched.threads == []


def test_applications_with_two_keys_have_a_stream_each(
    server: LocalVendo, watched: Watches
) -> None:
    with LocalVendo(["gmail"]) as another:
        one, two = application(for_server(server)), application(for_server(another))
        with TestClient(one) as first, TestClient(two) as second:
            server.wait_for_streams(1, timeout=60)
            another.wait_for_streams(1, timeout=60)
            assert watched.threads == ["vendo-events"] * 2
            assert token_of(first) == server.token("gmail")
            assert token_of(second) == another.token("gmail")
            new = another.rotate("gmail")
            until(lambda: token_of(second) == new)
        another.wait_for_streams(0, timeout=60)
        server.wait_for_streams(0, timeout=60)


def test_its_repr_has_no_secret(vendo_mode: LocalVendo) -> None:
    settings = VendoSettings(watch=True, redis_url=url_of(OPTION, login=f":{PASSWORD}@"))
    app = application(settings)
    assert PASSWORD not in repr(settings)
    with TestClient(app):
        from vendo_starlette.clients import clients_of

        watch = clients_of(app).watch()
        until(lambda: repr(watch) == "<AppWatch, polling>")
        assert PASSWORD not in repr(clients_of(app))
    assert repr(watch) == "<AppWatch, stopped>"
