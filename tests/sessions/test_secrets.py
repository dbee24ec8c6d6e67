"""A canary token must not be in anything that sessions show, log, raise or pickle."""

from __future__ import annotations

import asyncio
import base64
import importlib
import logging
import pickle
import threading
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import requests

import vendo
import vendo.aio
from sessions.foreign import Reply
from support.servers import nowhere
from support.shown import frames_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sessions.foreign import Foreign
    from vendo.testing import LocalVendo

SLUGS = ("anthropic", "gmail", "mailchimp", "telegram")
OLD, NEW = "canary-old-4be1", "canary-new-9c07"


@pytest.fixture(params=SLUGS)
def slug(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    chosen: str = request.param
    monkeypatch.setenv(f"VENDO_TOKEN_{chosen.upper()}", OLD)
    return chosen


@pytest.fixture
def base_url(foreign: Foreign, slug: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a provider that rejects the first token and fails in several ways."""

    def reject(seen: Any) -> Reply:
        text = f"{seen.path}{seen.headers.as_string()}"
        monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", NEW)
        return Reply(401 if "canary-old" in text or "Basic" in text else 200)

    for token in (OLD, NEW):
        for path in ("/rejected", f"/bot{token}/rejected"):
            foreign.replies[path] = reject
        for path in ("/moved", f"/bot{token}/moved"):
            foreign.redirect(path, "/there")
        for path in ("/there", f"/bot{token}/there"):
            foreign.redirect(path, "/moved")
        for path in ("/cut", f"/bot{token}/cut"):
            foreign.replies[path] = Reply(200, {"Content-Length": "99", "Connection": "close"})
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)
    return foreign.url


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += [one.__cause__, one.__context__]
            pending += [inner for inner in one.args if isinstance(inner, BaseException)]
            pending.append(getattr(one, "reason", None))


def shown_of(thing: Any, *, but: tuple[str, ...] = ()) -> Iterator[str]:
    """Return every text of an object that a program may show without naming its secrets."""
    yield repr(thing)
    yield str(thing)
    if isinstance(thing, BaseException):
        for error in chain_of(thing):
            yield from (repr(error), str(error), "".join(traceback.format_exception(error)))
            yield from frames_of(error, but=but)
            yield from map(repr, error.args)
            for name in ("url", "request", "request_info", "response"):
                yield repr(getattr(error, name, None))
    for name in ("url", "headers", "history", "request_info", "request"):
        try:
            part = getattr(thing, name, None)
        except RuntimeError:  # httpx: an error that has no request
            continue
        yield repr(part)
        yield repr(getattr(part, "url", None))
        yield str(getattr(part, "url", None))
        yield repr(getattr(part, "headers", None))


def encoded(token: str) -> str:
    """Return the token in the form of Mailchimp's basic authentication."""
    return base64.b64encode(f"anystring:{token}".encode()).decode()


def check(
    things: list[Any], caplog: pytest.LogCaptureFixture, *, but: tuple[str, ...] = ()
) -> None:
    texts = [text for thing in things for text in shown_of(thing, but=but)]
    texts += [record.getMessage() for record in caplog.records]
    texts += [repr(record.__dict__) for record in caplog.records]
    for text in texts:
        for secret in (OLD, NEW, encoded(OLD), encoded(NEW)):
            assert secret not in text


@pytest.fixture(autouse=True)
def _every_log_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def attempt(call: Callable[[], Any]) -> Any:
    """Return the result or the error of a call."""
    with warnings.catch_warnings(record=True) as said:
        try:
            outcome = call()
        except Exception as error:  # noqa: BLE001  # any error is checked
            outcome = error
    assert not [str(warning.message) for warning in said if "canary" in str(warning.message)]
    return outcome


def test_a_requests_session_shows_no_token(
    base_url: str, foreign: Foreign, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    all_sent = threading.Event()
    for path in ("/slow", f"/bot{NEW}/slow"):
        foreign.replies[path] = lambda _: Reply(200 if all_sent.wait(10) else 500)
    client = vendo.Vendo()
    session = client.session(slug)
    session.max_redirects = 3
    things = [
        session,
        session.auth,
        session.adapters,
        attempt(lambda: session.get("x")),
        attempt(lambda: session.get("rejected")),
        attempt(lambda: session.get("cut")),
        attempt(lambda: session.get("moved")),
        attempt(lambda: client.session(slug, base_url=nowhere()).get("rejected")),
        attempt(lambda: session.get("https://example.org/")),
        attempt(lambda: session.get("slow", timeout=0.05)),
    ]
    all_sent.set()

    assert [type(thing).__name__ for thing in things[3:]] == [
        *("Response", "Response", "ChunkedEncodingError", "TooManyRedirects", "ConnectionError"),
        *("ValidationError", "ReadTimeout"),
    ]
    assert any(record.name.startswith("urllib3") for record in caplog.records)
    check(things, caplog)
    for thing in (*things[:2], *things[3:5], things[3].request):
        text = pickle.dumps(thing)
        assert OLD.encode() not in text
        assert NEW.encode() not in text
    client.close()


def test_auth_in_the_callers_own_session_shows_no_token(
    base_url: str, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = nowhere()
    with requests.Session() as session:
        session.auth = vendo.Vendo().auth(slug, hosts=["127.0.0.1"])
        things = [
            attempt(lambda: session.get(f"{base_url}/x", timeout=10)),
            attempt(lambda: session.get(f"{base_url}/cut", timeout=10)),
            attempt(lambda: session.get(f"{elsewhere}/x", timeout=10)),
        ]

    assert [type(thing).__name__ for thing in things] == (
        ["ValidationError"] * 3
        if slug == "telegram"
        else ["Response", "ChunkedEncodingError", "ConnectionError"]
    )
    # It writes the request, and nothing of ours is between it and the caller.
    check(things, caplog, but=("http.client",))
    assert OLD.encode() not in pickle.dumps(things[0])


@pytest.mark.parametrize("name", ["httpx2", "httpx"])
def test_an_httpx_client_shows_no_token(
    base_url: str, slug: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = importlib.import_module(name)
    auth = vendo.Vendo().httpx_auth(slug)
    with library.Client(auth=auth, base_url=base_url, follow_redirects=True) as http:
        things = [
            auth,
            http.get("/x"),
            http.get("/rejected"),
            attempt(lambda: http.get("/cut")),
            attempt(lambda: http.get("https://example.org/")),
        ]
    elsewhere = nowhere()
    rejected = vendo.Vendo().httpx_auth(slug, hosts=["127.0.0.1"])
    with library.Client(auth=rejected, base_url=elsewhere) as http:
        things.append(attempt(lambda: http.get("/x")))

    assert [type(thing).__name__ for thing in things[1:]] == [
        *("Response", "Response", "RemoteProtocolError", "ValidationError", "ConnectError"),
    ]
    assert any(record.name.startswith(name) for record in caplog.records)
    check(things, caplog)
    for thing in (auth, things[1], things[1].request, things[2], *things[2].history):
        for secret in (OLD, NEW, encoded(OLD), encoded(NEW)):
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                assert secret.encode() not in pickle.dumps(thing, protocol)
            assert secret not in repr(getattr(thing, "headers", None))


def test_an_aiohttp_session_shows_no_token(
    base_url: str,
    slug: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    things: list[Any] = []

    async def note(session: aiohttp.ClientSession, url: str, **how: Any) -> None:
        try:
            async with session.get(url, raise_for_status=True, **how) as response:
                await response.read()
                things.append(response)
        except (aiohttp.ClientError, TimeoutError, vendo.VendoError) as error:
            things.append(error)

    async def main() -> None:
        async with vendo.AsyncVendo() as client, await client.session(slug) as session:
            things.extend([session, *session._trace_configs])
            for url in ("x", "rejected", "cut", "https://example.org/"):
                await note(session, url)
            monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", OLD)
            await note(session, "moved", max_redirects=1)
            async with await client.session(slug, base_url=nowhere()) as elsewhere:
                await note(elsewhere, "x")

    asyncio.run(main(), debug=True)
    assert [type(thing).__name__ for thing in things[2:]] == [
        "ClientResponse",
        "ClientResponseError" if slug == "mailchimp" else "ClientResponse",
        "ClientPayloadError",
        "ValidationError",
        "TooManyRedirects",
        "ClientConnectorError",
    ]
    check(things, caplog)


def test_failing_body_shows_no_token_in_the_path(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_TELEGRAM", OLD)
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)

    class Broken(aiohttp.BytesPayload):
        async def write(self, writer: Any) -> None:
            raise OSError(32, "broken")

        async def write_with_length(self, writer: Any, content_length: int | None) -> None:
            raise OSError(32, "broken")

    async def main() -> BaseException | None:
        async with (
            vendo.AsyncVendo() as client,
            await client.session("telegram", base_url=foreign.url) as session,
        ):
            try:
                await session.post("x", data=Broken(b"x"))
            except aiohttp.ClientError as error:
                return error
        return None

    error = asyncio.run(main())
    assert error is not None
    check([error], caplog)


@pytest.mark.parametrize("name", ["httpx2", "httpx"])
def test_rejected_key_is_not_in_a_frame_of_an_async_client(
    server: LocalVendo, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = importlib.import_module(name)
    server.revoke_key()

    async def call(client: vendo.Vendo | vendo.AsyncVendo) -> BaseException:
        async with library.AsyncClient(auth=client.httpx_auth("gmail")) as http:
            with pytest.raises(vendo.AuthError) as caught:
                await http.get(server.provider_url("gmail"))
        return caught.value

    async def main() -> list[BaseException]:
        async with vendo.AsyncVendo(OLD) as root:
            return [
                await call(client)
                for client in (root, root.for_user(NEW), blocking, blocking.for_user(NEW))
            ]

    with vendo.Vendo(OLD) as blocking:
        check(list(asyncio.run(main())), caplog)
