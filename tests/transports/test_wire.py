"""Each request gets its own response, whatever else comes over the connection."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from support.raw_server import Keep, RawServer, http
from support.ways import WAYS, Way, run, set_share_for_the_first_byte
from vendo import RetryPolicy, UpstreamConnectionError, UpstreamError, UpstreamTimeout, VendoError
from vendo._protocol.moments import elapsed
from vendo._tokens import cache as token_cache

if TYPE_CHECKING:
    from collections.abc import Callable

SLUGS = ["one", "two", "three"]
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"


def response_to(request: bytes) -> bytes:
    """Return a response whose token names the slug of the request."""
    slug = request.split()[1].decode().strip("/")
    return http(json.dumps({"access_token": f"token-{slug}", "expires_at": None}).encode())


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    # Another server may have had the same port.
    token_cache.shared.clear()


class Echo(RawServer):
    """A server whose tokens name their slugs, with a way to write each response."""

    def __init__(self, write: Callable[[Echo, socket.socket, bytes], object]) -> None:
        super().__init__(b"")
        self._write = write

    def _reply(self, sock: socket.socket, request: bytes) -> bool:
        with self._lock:
            self.requests.append(request)
        return self._write(self, sock, response_to(request)) is not False


def tokens(way: Way, server: RawServer, slugs: list[str] = SLUGS, **more: Any) -> list[str]:
    """Return the tokens of several slugs, fetched one after the other by one client."""

    def block(client: Any) -> list[str]:
        return [client.token(slug) for slug in slugs]

    async def wait(client: Any) -> list[str]:
        return [await client.token(slug) for slug in slugs]

    settings = {"timeout": 10.0, "retry": RetryPolicy(1), **server.settings(), **more}
    found: list[str] = run(way, settings, block if way == "blocking" else wait)
    return found


EXPECTED = [f"token-{slug}" for slug in SLUGS]


@pytest.mark.parametrize(
    "interim",
    [INTERIM, INTERIM * 3, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"],
)
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_interim_responses_are_skipped(way: Way, interim: bytes, pause: float) -> None:
    def write(server: Echo, sock: socket.socket, whole: bytes) -> None:
        sock.sendall(interim)
        if pause:
            server.ended.wait(pause)
        sock.sendall(whole)

    with Echo(write) as server:
        assert tokens(way, server) == EXPECTED
        assert server.connections == 1


@pytest.mark.parametrize("way", WAYS)
def test_interim_responses_without_end_are_a_time_out(way: Way) -> None:
    def write(server: Echo, sock: socket.socket, _whole: bytes) -> bool:
        while not server.ended.wait(0.01):
            sock.sendall(INTERIM)
        return False

    with Echo(write) as server, pytest.raises(UpstreamError):
        tokens(way, server, timeout=0.5)


def test_unrequested_protocol_switch_is_an_error_and_ends_the_connection(way: Way) -> None:
    def write(_server: Echo, sock: socket.socket, whole: bytes) -> None:
        if len(_server.requests) == 1:
            sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        sock.sendall(whole)

    with Echo(write) as server:
        with pytest.raises(VendoError, match="HTTP 101"):
            tokens(way, server, SLUGS[:1])
        assert tokens(way, server) == EXPECTED


@pytest.mark.parametrize("extra", [b"\r\n", b"garbage", b"HTTP/1.1 200 OK\r\nContent-", None])
@pytest.mark.parametrize("is_late", [False, True])
def test_what_comes_after_a_response_is_not_the_next_response(
    way: Way, extra: bytes | None, is_late: bool
) -> None:
    """`None` is the whole response once more."""
    has_sent = threading.Event()

    def write(_server: Echo, sock: socket.socket, whole: bytes) -> None:
        more = whole if extra is None else extra
        if is_late:
            sock.sendall(whole)
            sock.sendall(more)
        else:
            sock.sendall(whole + more)
        has_sent.set()

    def block(client: Any) -> list[str]:
        found = []
        for slug in SLUGS:
            found.append(client.token(slug))
            has_sent.wait(10)
            has_sent.clear()
        return found

    async def wait(client: Any) -> list[str]:
        found = []
        for slug in SLUGS:
            try:
                found.append(await client.token(slug))
            except UpstreamError:
                assert extra == b"garbage"  # aiohttp takes it for a part of the response
                found.append(f"token-{slug}")
            has_sent.wait(10)
            has_sent.clear()
        return found

    with Echo(write) as server:
        settings = {"timeout": 10.0, **server.settings()}
        assert run(way, settings, block if way == "blocking" else wait) == EXPECTED
        assert server.connections == len(SLUGS)


HEADS = [
    b"HTTP/1.1 401 Unauthorized\r\nVendo-Error-Co",
    b"HTTP/1.1 401 Unauthorized\r\nVendo-Error-Code: app_revoked\r\n",
    b"HTTP/1.1 401 Unauthorized\r\n",
    b"HTTP/1.1 401 Unauth",
    b"HTTP/1.1 40",
    b"HTT",
    b"HTTP/1.1 204 No Content\r\n",
]


@pytest.mark.parametrize("head", HEADS)
def test_response_cut_off_in_its_head_is_a_network_failure_and_retried(
    way: Way, head: bytes
) -> None:
    def write(server: Echo, sock: socket.socket, whole: bytes) -> bool:
        is_first = len(server.requests) == 1
        sock.sendall(head if is_first else whole)
        return not is_first

    with Echo(write) as server:
        retry = RetryPolicy(2, backoff=0.001)
        assert tokens(way, server, retry=retry) == EXPECTED
    with RawServer(head) as broken, pytest.raises(UpstreamConnectionError):
        tokens(way, broken)


@pytest.mark.parametrize("head", HEADS)
def test_cut_head_does_not_end_a_stream_of_events(way: Way, head: bytes) -> None:
    event = b"id: 1\nevent: a.b\ndata: {}\n\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event
    with RawServer(head, whole) as server:

        def block(client: Any) -> str:
            with client.events.subscribe(max_backoff_sec=0.001) as events:
                kind: str = next(events).type
            return kind

        async def wait(client: Any) -> str:
            async with client.events.subscribe(max_backoff_sec=0.001) as events:
                kind: str = (await anext(events)).type
            return kind

        settings = {"timeout": 10.0, **server.settings()}
        assert run(way, settings, block if way == "blocking" else wait) == "a.b"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: "


@pytest.mark.parametrize("begin", [b"", b'10\r\n{"access_token": \r\n'])
@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-5\r\n", b"5\r\n{}{}{}x\r\n0\r\n\r\n"])
def test_malformed_chunk_ends_a_call_before_its_time_out(
    way: Way, begin: bytes, chunk: bytes
) -> None:
    def write(server: Echo, sock: socket.socket, _: bytes) -> None:
        sock.sendall(CHUNKED + b"application/json\r\n\r\n" + begin)
        server.ended.wait(0.05)  # until the body is being read
        sock.sendall(chunk)

    with Echo(write) as server, pytest.raises(UpstreamError) as caught:
        tokens(way, server)
    assert not isinstance(caught.value, UpstreamTimeout)


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_malformed_chunk_does_not_end_a_stream_of_events(way: Way, pause: float) -> None:
    event = b"event: a.b\ndata: {}\n\n"
    head = CHUNKED + b"text/event-stream\r\n\r\n%x\r\n%b\r\n" % (len(event), event)

    def break_off(sock: socket.socket) -> None:
        sock.sendall(head)
        server.ended.wait(0.05)
        sock.sendall(b"zz\r\n")
        server.silence(sock)

    server = RawServer(break_off, head)
    with server:

        def block(client: Any) -> None:
            with client.events.subscribe(max_backoff_sec=0.001) as events:
                next(events)
                server.ended.wait(3 * pause)  # the stream breaks off while it is not read
                next(events)

        async def wait(client: Any) -> None:
            async with client.events.subscribe(max_backoff_sec=0.001) as events:
                await anext(events)
                await asyncio.sleep(3 * pause)
                await anext(events)

        settings = {"timeout": 10.0, **server.settings()}
        run(way, settings, block if way == "blocking" else wait)
        assert server.connections == 2


def test_stream_of_events_has_a_connection_of_its_own(way: Way) -> None:
    event = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: a.b\ndata: {}\n\n"
    with RawServer(Keep(http(b'{"connections": []}')), event) as server:

        def block(client: Any) -> None:
            client.connections.list()
            with client.events.subscribe() as events:
                next(events)

        async def wait(client: Any) -> None:
            await client.connections.list()
            async with client.events.subscribe() as events:
                await anext(events)

        run(way, server.settings(), block if way == "blocking" else wait)
        assert server.connections == 2


def test_interim_response_before_a_stream_of_events_is_skipped(way: Way) -> None:
    event = b"id: 1\nevent: a.b\ndata: {}\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with RawServer(INTERIM + head + event) as server:

        def block(client: Any) -> str:
            with client.events.subscribe() as events:
                kind: str = next(events).type
            return kind

        async def wait(client: Any) -> str:
            async with client.events.subscribe() as events:
                kind: str = (await anext(events)).type
            return kind

        assert run(way, server.settings(), block if way == "blocking" else wait) == "a.b"


@pytest.mark.parametrize(
    "lengths", [[b"5_0"], [b"+50"], [b"-1"], [b"10", b"11"], [b"0x10"], [b"10, 11"], [b""]]
)
def test_malformed_length_is_one_typed_error(lengths: list[bytes]) -> None:
    fields = b"".join(b"Content-Length: %b\r\n" % length for length in lengths)

    def write(_server: Echo, sock: socket.socket, whole: bytes) -> None:
        body = whole.partition(b"\r\n\r\n")[2]
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body)

    for way in ("blocking", "threads"):
        with Echo(write) as server:
            with pytest.raises(UpstreamError):
                tokens(way, server, SLUGS[:1], timeout=2.0)
            assert server.connections == 1


@pytest.mark.parametrize(
    "fields",
    [b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: chunked, chunked\r\n"],
)
def test_encoding_other_than_chunked_is_one_typed_error(fields: bytes) -> None:
    reply = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n2\r\n{}\r\n0\r\n\r\n"
    with Echo(lambda _, sock, __: sock.sendall(reply)) as server, pytest.raises(UpstreamError):
        tokens("blocking", server, timeout=2.0)


def test_kept_connection_that_died_silently_costs_a_part_of_the_time_out(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_share_for_the_first_byte(way, monkeypatch, 0.1)

    def write(server: Echo, sock: socket.socket, whole: bytes) -> None:
        if len(server.requests) != 2:
            sock.sendall(whole)

    with Echo(write) as server:
        begun = elapsed()
        assert tokens(way, server, timeout=30.0) == EXPECTED
        assert elapsed() - begun < 15
        assert server.connections == 2
        assert len(server.requests) == 4


def test_slow_response_on_a_new_connection_has_the_whole_time_out(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_share_for_the_first_byte(way, monkeypatch, 0.02)

    def write(server: Echo, sock: socket.socket, whole: bytes) -> None:
        server.ended.wait(1.0)
        sock.sendall(whole)

    with Echo(write) as server:
        assert tokens(way, server, SLUGS[:1], timeout=30.0) == EXPECTED[:1]
        assert len(server.requests) == 1


def test_write_goes_over_a_new_connection_since_a_kept_one_may_have_died(way: Way) -> None:
    with RawServer(Keep(http(b'{"data": 1}'))) as server:

        def block(client: Any) -> None:
            for _ in range(3):
                client.data.execute("A")

        async def wait(client: Any) -> None:
            for _ in range(3):
                await client.data.execute("A")

        run(way, server.settings(), block if way == "blocking" else wait)
        assert server.connections == len(server.requests) == 3


def test_write_is_not_sent_twice_within_one_attempt(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_share_for_the_first_byte(way, monkeypatch, 0.02)

    def reply(server: RawServer, sock: socket.socket) -> None:
        server.ended.wait(1.2)
        sock.sendall(http(b'{"data": 7}'))

    with RawServer(Keep(http(b'{"data": 1}')), lambda sock: reply(server, sock)) as server:

        def block(client: Any) -> object:
            client.data.execute("A")
            return client.data.execute("A")

        async def wait(client: Any) -> object:
            await client.data.execute("A")
            return await client.data.execute("A")

        settings = {"timeout": 30.0, **server.settings()}
        assert run(way, settings, block if way == "blocking" else wait) == 7
        assert len(server.requests) == 2


def slow_resolver(monkeypatch: pytest.MonkeyPatch, ended: threading.Event) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        if host.endswith("slow.example"):
            ended.wait(30)
            raise socket.gaierror(-2, "no such host")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_slow_resolver_ends_with_the_time_out(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    slow_resolver(monkeypatch, ended)
    url = "https://slow.example"
    settings = {"api_key": "vendo_sk_" + "r" * 32, "credentials_url": url, "timeout": 0.5}
    begun = elapsed()
    try:
        with pytest.raises(UpstreamTimeout):
            run(way, settings, lambda client: client.token("gmail"))
        assert elapsed() - begun < 10  # the end of the event loop does not wait for it either
    finally:
        ended.set()


def test_callers_share_the_thread_of_a_slow_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    from vendo._transports.resolving import resolve

    ended = threading.Event()
    slow_resolver(monkeypatch, ended)

    def late() -> float:
        raise TimeoutError

    try:
        for _ in range(20):
            with pytest.raises(TimeoutError):
                resolve("other.slow.example", 443, late)
        from vendo._transports import resolving

        assert [key[1] for key in resolving._lookups].count("other.slow.example") == 1
    finally:
        ended.set()
