"""Canaries in place of every secret must not be in anything that a failure leaves behind."""

from __future__ import annotations

import asyncio
import copy
import gc
import io
import logging
import os
import pickle
import signal
import warnings
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.raw_server import RawServer
from support.shown import chain_of, frames_of, texts_of
from vendo import RetryPolicy, Vendo
from vendo._protocol.models import Connection
from vendo._protocol.secret import Secret
from vendo._tokens.cache import shared
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

KEY = "vendo_sk_canarykeycanarykeycanarykeycan01"
JWT = "canaryjwt.canaryjwt.canaryjwt"
TOKEN = "canarytoken-gmail"
WEBHOOK_SECRET = "canarysecret-webhook"

#: No text may contain this. All secrets do, and nothing else.
CANARY = "canary"

ONE_TRY = RetryPolicy(1)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    shared.clear()  # another server with this key may have had the same port
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", WEBHOOK_SECRET)
    connections = {"gmail": {"token": TOKEN, "credential": {"access_token": TOKEN}}, "slack": {}}
    with LocalVendo(connections, api_key=KEY) as server:
        yield server


@pytest.fixture
def watch() -> Iterator[Watch]:
    with Watch() as watch:
        yield watch


class Watch:
    """Record all log records and warnings, of any level and library."""

    def __enter__(self) -> Watch:
        self.text = io.StringIO()
        self._handler = logging.StreamHandler(self.text)
        self._handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)r %(exc_text)s"))
        self._root = logging.getLogger()
        self._level = self._root.level
        self._root.addHandler(self._handler)
        self._root.setLevel(logging.DEBUG)
        self._warnings = warnings.catch_warnings(record=True)
        self._caught = self._warnings.__enter__()
        warnings.simplefilter("always")
        return self

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        self._root.removeHandler(self._handler)
        self._root.setLevel(self._level)

    def check(self, *things: object) -> None:
        """Check that these objects, and all records so far, have no canary."""
        for text in [
            self.text.getvalue(),
            *(str(warning.message) for warning in self._caught),
            *(text for thing in things for text in texts_of(thing)),
        ]:
            assert CANARY not in text.lower()


ECHO = {
    "error": {
        "code": KEY,
        "message": f"The key {KEY} of {JWT} is unknown.",
        "slug": JWT,
        "connect_url": f"https://vendo.example/?app_key={KEY}",
        "retry_after": KEY,
        "suggested_fix": f"Replace {KEY}.",
    }
}
FAULTS: dict[str, dict[str, Any]] = {
    "401": {"status": 401},
    "401 that echoes": {"status": 401, "body": ECHO},
    "403 that echoes two texts": {"status": 403, "body": {"error": KEY, "detail": f"{KEY} {JWT}"}},
    "404": {"status": 404},
    "429 that echoes": {"status": 429, "body": {"message": f"slow down, {KEY}"}},
    "500 that echoes in plain text": {"status": 500, "body": f"{KEY} {JWT}"},
    "503 with an echo in its headers": {
        "status": 503,
        "headers": {"Retry-After": KEY, "Vendo-Error-Code": KEY},
    },
    "a page": {"html": True},
    "no JSON": {"body": f'{{"access_token": "{TOKEN}", {KEY}'},
    "another shape": {"body": [KEY, TOKEN]},
    "a token of another type": {"body": {"access_token": [TOKEN], "tokens": {"gmail": [TOKEN]}}},
    "a token of two lines": {
        "body": {"access_token": f"{TOKEN}\n{TOKEN}", "tokens": {"gmail": {"access_token": "\n"}}}
    },
    "a date that is a token": {
        "body": {
            "access_token": TOKEN,
            "expires_at": TOKEN,
            "tokens": {"gmail": {"access_token": TOKEN, "expires_at": TOKEN}},
        }
    },
    "too large": {"oversize": True},
    "too deep": {"nested": True},
    "a bomb": {"gzip_bomb": True},
    "cut off": {"truncate": 5},
    "a reset": {"reset": True},
    "a redirect elsewhere": {"redirect": f"https://elsewhere.example/{KEY}?{JWT}"},
    "a redirect to nowhere": {"redirect": f"http://[{KEY}"},
    "silence": {"latency": 5.0},
}

CALLS: dict[str, tuple[str, Callable[[Vendo], object]]] = {
    "token": ("credentials", lambda client: client.token("gmail")),
    "tokens": ("credentials", lambda client: client.tokens(["gmail", "slack"])),
    "connections.list": ("api", lambda client: client.connections.list()),
    "connections.get": ("api", lambda client: client.connections.get("gmail")),
    "connected_slugs": ("api", lambda client: client.connections.connected_slugs()),
    "integrations.list": ("api", lambda client: client.integrations.list()),
    "integrations.get": ("api", lambda client: client.integrations.get("gmail")),
    "balance": ("api", lambda client: client.billing.balance()),
    "spend_caps": ("api", lambda client: client.billing.spend_caps()),
    "usage": ("api", lambda client: client.billing.usage()),
    "execute": ("data", lambda client: client.data.execute("GMAIL_FETCH_EMAILS")),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CALLS)
def test_no_failing_call_reveals_anything(
    backend: LocalVendo, watch: Watch, name: str, fault: str
) -> None:
    surface, call = CALLS[name]
    root = backend.client(retry=ONE_TRY, timeout=0.3 if fault == "silence" else 30.0)
    backend.fail(surface, times=None, **FAULTS[fault])
    with root.for_user(JWT) as client:
        try:
            result: object = call(client)
        except vendo.VendoError as error:
            result = error
        # An invalid response of one API may be valid for another (a list is data).
        if isinstance(result, vendo.VendoError):
            watch.check(result, client, root)
        else:
            assert result is None or fault in {"404", "no JSON", *PASSED_THROUGH}
            watch.check(client, root)
    root.close()


#: The usage and an action's data are passed through unchanged.
PASSED_THROUGH = [name for name, fault in FAULTS.items() if "body" in fault and len(fault) == 1]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_failing_call_of_the_async_client_reveals_anything(
    backend: LocalVendo, watch: Watch, fault: str
) -> None:
    timeout = 0.3 if fault == "silence" else 30.0
    root = backend.async_client(retry=ONE_TRY, timeout=timeout, transport="threads")
    backend.fail("any", times=None, **FAULTS[fault])
    client = root.for_user(JWT)

    async def main() -> list[BaseException | object]:
        results = await asyncio.gather(
            client.token("gmail"),
            client.tokens(["gmail", "slack"]),
            client.connections.list(),
            client.billing.balance(),
            return_exceptions=True,
        )
        await root.aclose()
        return list(results)

    results = asyncio.run(main())
    assert {isinstance(result, vendo.VendoError) for result in results} == {True}
    watch.check(*results, client, root)


@pytest.mark.parametrize("fault", ["401 that echoes", "404", "a page", "a redirect elsewhere"])
def test_no_failing_subscription_reveals_anything(
    backend: LocalVendo, watch: Watch, fault: str
) -> None:
    client = backend.client(timeout=5.0).for_user(JWT)
    backend.fail("events", times=None, **FAULTS[fault])
    with client.events.subscribe() as events:
        with pytest.raises(vendo.VendoError) as caught:
            next(events)
        watch.check(caught.value, events, client.events)

    async def main() -> None:
        root = backend.async_client(timeout=5.0, transport="threads")
        async with root, root.for_user(JWT).events.subscribe() as events:
            with pytest.raises(vendo.VendoError) as caught:
                await anext(events)
            watch.check(caught.value, events)

    asyncio.run(main())


def test_valid_token_in_an_outage_is_not_logged(
    backend: LocalVendo, watch: Watch, clock: Any
) -> None:
    client = backend.client().for_user(JWT)
    client.token("gmail")
    clock.advance(3550)
    backend.fail("credentials", times=None, status=503, body=ECHO)
    client.token("gmail")
    assert "still good" in watch.text.getvalue()
    watch.check(client)


def test_fallback_of_a_list_logs_no_secret(
    backend: LocalVendo, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_CONNECTIONS", "gmail")
    backend.fail("api", status=503, body={"message": f"{KEY} {JWT}"})
    client = backend.client(retry=ONE_TRY).for_user(JWT)
    assert [row.slug for row in client.connections.list()] == ["gmail"]
    assert "VENDO_CONNECTIONS" in watch.text.getvalue()
    watch.check()


def test_missing_backend_reveals_nothing(watch: Watch) -> None:
    with LocalVendo(["gmail"], api_key=KEY) as server:
        client = server.client(retry=ONE_TRY)
    for _, call in CALLS.values():
        with pytest.raises(vendo.UpstreamConnectionError) as caught:
            call(client.for_user(JWT))
        watch.check(caught.value)


INVALID: dict[str, Callable[[Vendo], object]] = {
    "a key of two words": lambda _: Vendo(f"{KEY} {KEY}"),
    "a key with a line break": lambda _: Vendo(f"{KEY}\n{KEY}"),
    "a key that is bytes": lambda _: Vendo(KEY.encode()),  # type: ignore[arg-type]  # the point
    "an address with a password": lambda _: Vendo(KEY, f"https://user:{KEY}@vendo.example"),
    "an address with a query": lambda _: Vendo(KEY, f"https://vendo.example/?{KEY}"),
    "an invalid time-out": lambda _: Vendo(KEY, timeout=-1),
    "an unknown transport": lambda _: vendo.AsyncVendo(KEY, transport="pigeons"),  # type: ignore[arg-type]
    "an asyncio client's key of two words": lambda _: vendo.AsyncVendo(f"{KEY} {KEY}"),
    "a JWT that is bytes": lambda client: client.for_user(JWT.encode()),  # type: ignore[arg-type]
    "a JWT of two words": lambda client: client.for_user(f"{JWT} {JWT}"),
    "a JWT with a line break": lambda client: client.for_request({"X-Vendo-User-JWT": f"{JWT}\n1"}),
    "two JWTs": lambda client: client.for_request(
        [("X-Vendo-User-JWT", JWT), ("x-vendo-user-jwt", f"{JWT}2")]
    ),
    "no headers": lambda client: client.for_request(JWT),
    "a connect link to nowhere": lambda client: client.connect_url("gmail", return_to="nowhere"),
    "an unknown period": lambda client: client.billing.usage("year"),  # type: ignore[arg-type]
    "arguments that are not JSON": lambda client: client.data.execute("GMAIL_X", {"a": object()}),
    "a pickled client of a user": lambda client: pickle.dumps(client.for_user(JWT)),
    "a forged webhook": lambda client: client.webhooks.verify(
        {"Vendo-Signature": "0" * 64, "Vendo-Timestamp": "1"}, b"{}"
    ),
    "a webhook without a signature": lambda client: client.webhooks.verify({}, b"{}"),
    "a webhook without a valid time": lambda client: client.webhooks.verify(
        {"Vendo-Signature": "0" * 64, "Vendo-Timestamp": "nan"}, b"{}"
    ),
    "blank webhook secrets": lambda _: vendo.WebhooksAPI([WEBHOOK_SECRET, ""]).verify(
        {"Vendo-Signature": "0" * 64, "Vendo-Timestamp": "1"}, b"{}"
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_value_is_not_in_the_error(backend: LocalVendo, watch: Watch, name: str) -> None:
    client = backend.client()
    with pytest.raises(vendo.VendoError) as caught:
        INVALID[name](client)
    watch.check(caught.value, client)
    assert backend.requests == []


MALFORMED = {
    "GMAIL_ACCESS_TOKEN": f"{TOKEN}\n{TOKEN}",
    "VENDO_TOKEN_GMAIL": f"{TOKEN}\n{TOKEN}",
    "VENDO_API_KEY": f"{KEY}\n{KEY}",
}
READ_BY: tuple[Callable[[], object], ...] = (
    lambda: vendo.token("gmail"),
    lambda: vendo.tokens(["gmail"]),
    lambda: asyncio.run(vendo.aio.token("gmail")),
    lambda: vendo.AsyncVendo(KEY).invalidate("gmail"),
    lambda: vendo.invalidate("gmail"),
    vendo.deployment.api_key,
    lambda: vendo.connect_url("gmail"),
    lambda: vendo.for_user(JWT),
    lambda: vendo.for_request({"X-Vendo-User-JWT": JWT}),
)


@pytest.mark.parametrize("variable", MALFORMED)
def test_malformed_variable_is_not_in_the_error(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, MALFORMED[variable])
    errors = []
    for call in READ_BY:
        try:
            call()
        except vendo.VendoError as error:
            errors.append(variable in str(error))
            watch.check(error)
    assert errors.count(True) >= 3


@pytest.mark.parametrize("address", ["https://user:canary@vendo.example", "http://canary.example"])
@pytest.mark.parametrize("name", CALLS)
def test_unsafe_address_does_not_reveal_the_key(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", KEY)
    for variable in ("VENDO_BASE_URL", "VENDO_CREDENTIALS_URL", "VENDO_DATA_PROXY_URL"):
        monkeypatch.setenv(variable, address.replace("canary.example", "plain.example"))
    client = Vendo()
    with pytest.raises(vendo.ValidationError, match="_URL") as caught:
        CALLS[name][1](client.for_user(JWT))
    watch.check(caught.value, client)


def test_value_of_a_variable_is_not_in_the_hint(
    backend: LocalVendo, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTION_TOKEN", TOKEN)
    with pytest.raises(vendo.NotConnected, match="NOTION_TOKEN is set") as caught:
        backend.client().token("notion")
    watch.check(caught.value)


def test_successful_calls_show_no_secret(
    backend: LocalVendo, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "canary-override")
    root = backend.client()
    client = root.for_user(JWT)
    assert root.token("gmail") == TOKEN
    assert client.tokens(["gmail", "slack"])["slack"] == "canary-override"
    rows = root.connections.list()
    assert root.billing.balance()
    headers, body = backend.sign_webhook({})
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", backend.webhook_secret)
    event = client.webhooks.verify(headers, body)
    settings = root._settings
    apis = [client.connections, client.integrations, client.billing, client.data, client.events]
    watch.check(root, client, settings, shared, rows, event, client.webhooks, apis)
    watch.check(
        root._settings.caller(Secret(KEY)), root._opened_transport(), backend, backend.requests
    )
    pickled = pickle.dumps((root, settings, client.webhooks))
    assert CANARY.encode() not in pickled.lower()


def test_pickled_connection_has_no_secret(backend: LocalVendo) -> None:
    (row,) = [row for row in backend.client().connections.list() if row.slug == "gmail"]
    row = replace(row, api_key=TOKEN, metadata={"note": [TOKEN]})
    assert row.credential == {"access_token": TOKEN}

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        pickled = pickle.dumps([row], protocol)
        assert CANARY.encode() not in pickled
        plain = replace(row, metadata={}, credential=None, api_key=None)
        assert pickle.loads(pickled) == [plain]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, replace])
def test_copied_connection_keeps_all_fields(
    copied: Callable[[Connection], Connection],
) -> None:
    row = Connection(
        "gmail", "connected", metadata={"a": [1]}, credential={"token": "t"}, api_key="k"
    )

    twin = copied(row)

    assert twin == row
    assert twin is not row
    assert (twin.metadata["a"] is row.metadata["a"]) == (copied is not copy.deepcopy)


def test_no_request_has_a_secret_in_its_url(backend: LocalVendo) -> None:
    client = backend.client().for_user(JWT)
    for _, call in CALLS.values():
        call(client)
    assert len(backend.requests) >= len(CALLS)
    for request in backend.requests:
        assert CANARY not in f"{request.path}?{request.raw_query}".lower()


def test_the_logger_is_silent_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    import subprocess
    import sys

    program = """
import vendo
from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

with LocalVendo(["gmail"]) as server:
    client = server.client(timeout=5)
    client.token("gmail")
    for entry in token_cache.shared._entries.values():
        entry.refresh_at = entry.check_at = 0.0
    server.fail("credentials", status=503)
    assert client.token("gmail") == server.token("gmail")
    assert server.count("credentials") == 2
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _foreign_host(client: Vendo) -> None:
    client.session("gmail").get("https://elsewhere.example/")


def _plain_http(client: Vendo) -> None:
    client.session("gmail").get("http://gmail.googleapis.com/")


def _no_token(client: Vendo) -> None:
    client.session("notion").get("https://api.notion.com/v1/users")


@pytest.mark.parametrize("call", [_foreign_host, _plain_http, _no_token])
def test_no_session_reveals_anything(
    backend: LocalVendo, watch: Watch, call: Callable[[Vendo], None]
) -> None:
    client = backend.client()
    client.token("gmail")
    with pytest.raises(vendo.VendoError) as caught:  # MissingExtra without requests
        call(client)
    watch.check(caught.value)
    if find_spec("requests"):
        watch.check(client.session("gmail"), client.session("gmail").auth)


class TimeIsUpError(Exception):
    """What a signal handler raises, as Celery's soft time limit does."""


# `ssl` leaves the socket of an interrupted handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("end", [TimeIsUpError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_interrupts_a_call_shows_no_key_in_any_frame(
    end: type[BaseException], scheme: str
) -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise end

    def keep_silent(_sock: socket.socket) -> None:
        # It is in the handshake of TLS, or has sent the request and waits for the response.
        os.kill(os.getpid(), signal.SIGUSR1)
        silent.ended.wait()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with RawServer(keep_silent) as silent:
            silent._read = lambda sock: sock.recv(65536)  # type: ignore[method-assign]  # of TLS too
            url = silent.url.replace("http:", f"{scheme}:")
            client = vendo.Vendo(KEY, url, credentials_url=url)
            with pytest.raises(end) as caught:
                client.token("gmail")
    finally:
        signal.signal(signal.SIGUSR1, before)
    shown = [text for link in chain_of(caught.value) for text in frames_of(link)]
    assert not [text for text in shown if KEY in text]
    del caught, client
    gc.collect()
