"""Any bad response is one typed error, in bounded time and memory.

Each test runs over each transport.
"""

from __future__ import annotations

import gc
import time
import traceback
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from support.flows import JWT
from support.raw_server import Keep, RawServer, http
from support.vectors import rows
from support.ways import Way, run
from vendo import RetryPolicy, UpstreamError, UpstreamTimeout, VendoError

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

ONCE = RetryPolicy(1)
BALANCE = b'{"credits_remaining_micros": 5}'


def settings_of(server: LocalVendo, **more: Any) -> dict[str, Any]:
    return {**server._addresses(), "retry": ONCE, **more}


@pytest.mark.parametrize("row", rows("errors.json"), ids=lambda row: row["name"])
def test_each_vector_becomes_its_error_over_http(
    server: LocalVendo, way: Way, row: dict[str, Any]
) -> None:
    server.fail("api", row["status"], body=row["body"], headers=row["headers"])
    with pytest.raises(VendoError) as caught:
        run(way, settings_of(server), lambda client: client.billing.balance())

    expected = dict(row["expect"])
    assert type(caught.value).__name__ == expected.pop("cls")
    assert {name: getattr(caught.value, name) for name in expected} == expected
    assert caught.value.status == row["status"]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"body": b""}, "is empty"),
        ({"html": True}, "is not JSON"),
        ({"malformed": True}, "is not JSON"),
        ({"nested": True}, "is not JSON"),
        ({"oversize": True}, "larger than 10 MiB"),
        ({"gzip_bomb": True}, "larger than 10 MiB"),
        ({"truncate": 5}, "before its response was complete"),
        ({"body": "[]"}, "no credential object"),
        ({"body": {"access_token": 7}}, "invalid access_token"),
        ({"headers": {"Content-Encoding": "zstd"}}, "compressed in an unknown"),
    ],
)
def test_bad_response_is_one_typed_error_and_the_next_is_read(
    server: LocalVendo, way: Way, fault: dict[str, Any], problem: str
) -> None:
    server.fail("credentials", **fault)

    def use(client: Any) -> Any:
        return client.token("gmail")

    with pytest.raises(UpstreamError, match=problem) as caught:
        run(way, settings_of(server), use)
    assert caught.value.code == "upstream_error"
    assert caught.value.suggested_fix
    assert run(way, settings_of(server), use) == server.token("gmail")


@pytest.mark.parametrize("fault", [{"reset": True}, {"reset_after": 5}, {"truncate": 0}])
def test_broken_connection_is_a_connection_error_and_is_retried(
    server: LocalVendo, way: Way, fault: dict[str, Any]
) -> None:
    quick = RetryPolicy(3, backoff=0.01)
    server.fail("credentials", **fault, times=2)
    token = run(way, settings_of(server, retry=quick), lambda client: client.token("gmail"))
    assert token == server.token("gmail")

    server.fail("credentials", **fault, times=None)
    with pytest.raises(ConnectionError) as caught:
        run(way, settings_of(server, retry=quick), lambda client: client.token("openai"))
    assert isinstance(caught.value, UpstreamError)


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\x02\x02",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"",
    ],
)
def test_reply_that_is_not_http_is_one_typed_error(way: Way, reply: bytes) -> None:
    with RawServer(reply) as server, pytest.raises(UpstreamError) as caught:
        run(way, {**server.settings(), "retry": ONCE}, lambda client: client.billing.balance())

    assert caught.value.code == "upstream_error"


@pytest.mark.parametrize(
    "reply", [b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"]
)
def test_key_and_response_are_not_in_the_errors_chain(way: Way, reply: bytes) -> None:
    with RawServer(reply + b'"canary') as server:
        settings = {**server.settings(), "retry": ONCE}
        with pytest.raises(UpstreamError) as caught:
            run(way, settings, lambda client: client.for_user(JWT).billing.balance())

    error: BaseException | None = caught.value
    seen = "".join(traceback.format_exception(caught.value))
    while error is not None:
        seen += f"{error!r} {error} {error.args!r} {vars(error)!r}"
        error = error.__cause__ or error.__context__
    for secret in (settings["api_key"], JWT, "canary"):
        assert secret not in seen


@pytest.mark.parametrize("part", ["head", "body", "chunks"])
def test_dripping_response_ends_with_the_time_out(way: Way, part: str) -> None:
    texts = {
        "head": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    }
    with RawServer(b"") as server:
        begun = texts[part]

        def reply(sock: Any) -> None:
            sock.sendall(begun)
            while not server.ended.wait(0.02):
                sock.sendall(b"1\r\nx\r\n" if part == "chunks" else b"x")

        server._replies = [reply]
        start = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            run(way, {**server.settings(), "timeout": 0.4}, lambda c: c.billing.balance())
        assert time.monotonic() - start < 5
        assert len(server.requests) < 2


def test_no_response_ends_with_the_time_out_and_is_not_retried(way: Way) -> None:
    with RawServer(b"") as server:
        server._replies = [server.silence]
        with pytest.raises(TimeoutError) as caught:
            run(way, {**server.settings(), "timeout": 0.2}, lambda c: c.billing.balance())
        assert isinstance(caught.value, UpstreamTimeout)
        assert caught.value.status is None
        assert len(server.requests) < 2


@pytest.mark.parametrize("framing", ["chunked", "until the end"])
def test_a_body_without_end_is_not_read_beyond_ten_mebibytes(way: Way, framing: str) -> None:
    sent = 0

    def flood(sock: Any) -> None:
        nonlocal sent
        piece = b" " * 65536
        if framing == "chunked":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + piece + b"\r\n"
        else:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100 * 16):
            sock.sendall(piece)
            sent += len(piece)

    gc.collect()
    tracemalloc.start()
    try:
        with RawServer(flood) as server, pytest.raises(UpstreamError, match="larger than 10 MiB"):
            run(way, {**server.settings(), "retry": ONCE}, lambda c: c.billing.balance())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent < 50 << 20
    assert peak < 50 << 20


def test_body_of_eleven_mebibytes_is_an_error_by_its_length_alone(way: Way) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 11534336\r\n\r\n"
    with RawServer(Keep(head)) as server, pytest.raises(UpstreamError, match="larger than 10 MiB"):
        run(way, {**server.settings(), "retry": ONCE}, lambda c: c.billing.balance())


@pytest.mark.parametrize(
    "reply",
    [
        http(BALANCE),
        b"HTTP/1.0 200 OK\r\n\r\n" + BALANCE,
        b"HTTP/1.1 200\r\nConnection: close\r\n\r\n" + BALANCE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f;x=y\r\n"
        + BALANCE
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(BALANCE),
        http(BALANCE, "203 Non-Authoritative"),
    ],
)
def test_each_valid_framing_is_read(way: Way, reply: bytes) -> None:
    with RawServer(reply) as server:
        balance = run(way, server.settings(), lambda client: client.billing.balance())
    assert balance.credits_remaining_micros == 5


def test_extra_bytes_of_one_response_are_not_read_as_the_next(way: Way) -> None:
    smuggled = http(b'{"credits_remaining_micros": 666}')

    def twice(client: Any) -> Any:
        return client.billing.balance(), client.billing.balance()

    async def twice_async(client: Any) -> Any:
        return await client.billing.balance(), await client.billing.balance()

    with RawServer(Keep(http(BALANCE) + smuggled), Keep(http(BALANCE))) as server:
        balances = run(way, server.settings(), twice if way == "blocking" else twice_async)
    assert [balance.credits_remaining_micros for balance in balances] == [5, 5]


def test_redirects_within_the_server_are_followed(server: LocalVendo, way: Way) -> None:
    server.fail("api", redirect="/api/billing/balance")

    balance = run(way, settings_of(server), lambda client: client.billing.balance())

    assert balance.credits_remaining_micros == 5_000_000
    assert server.count("api") == 2


def test_the_key_does_not_follow_a_redirect_to_another_host(server: LocalVendo, way: Way) -> None:
    with RawServer(http(BALANCE)) as elsewhere:
        server.fail("api", redirect=f"{elsewhere.url}/api/billing/balance")
        with pytest.raises(UpstreamError, match="another origin"):
            run(way, settings_of(server), lambda client: client.billing.balance())
        assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["/\u00e9", "/a b", "/a\tb", "/\x7f", "/%zz", "?", "#x"])
def test_redirect_to_an_odd_address_is_a_response_or_one_typed_error(
    way: Way, location: str
) -> None:
    redirect = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
    # Any other error fails the test.
    with RawServer(redirect.encode(), http(BALANCE)) as server, suppress(UpstreamError):
        run(way, {**server.settings(), "retry": ONCE}, lambda c: c.billing.balance())
