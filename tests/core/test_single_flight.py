"""Many threads request tokens at the same time from a slow or failing backend."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.children import Child
from vendo import NotConnected, RetryPolicy, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from vendo.testing import LocalVendo


def waiting_threads(server: LocalVendo, call: Callable[[], Any], n: int) -> list[Any]:
    """Return the results of n threads: one has a request that the worker holds, the others wait."""
    threads: list[int] = []

    def begin() -> Any:
        threads.append(threading.get_ident())
        return call()

    with ThreadPoolExecutor(n) as pool:
        with server.hold("credentials") as gate:
            results: list[Future[Any]] = [pool.submit(begin) for _ in range(n)]
            gate.wait_for(1)
            while sum(map(_waits, threads)) < n - 1:
                time.sleep(0.001)  # there is nothing that says so
        return [result.exception() or result.result() for result in results]


def _waits(thread: int) -> bool:
    """True if a thread waits for the request of another one."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code.co_name != "_is_done":
        frame = frame.f_back
    return frame is not None


def test_fifty_threads_on_a_cold_slug_make_one_request(server: LocalVendo) -> None:
    with server.client() as client:
        tokens = waiting_threads(server, lambda: client.token("gmail"), 50)
    assert tokens == [server.token("gmail")] * 50
    assert server.count("credentials") == 1


def test_fifty_threads_with_a_client_each_make_one_request(server: LocalVendo) -> None:
    tokens = waiting_threads(server, lambda: server.client().token("gmail"), 50)
    assert set(tokens) == {server.token("gmail")}
    assert server.count("credentials") == 1


def test_bulk_and_single_callers_share_fetches(server: LocalVendo) -> None:
    client = server.client()
    with ThreadPoolExecutor(2) as pool, server.hold("credentials", "gmail") as gate:
        single = pool.submit(client.token, "gmail")
        gate.wait_for(1)
        bulk = pool.submit(client.tokens, ["gmail", "slack"])
        server.wait_for_requests(2)
        gate.release()
        assert bulk.result() == {"gmail": single.result(), "slack": server.token("slack")}
    assert [request.raw_query for request in server.requests] == ["", "slugs=slack"]


def test_a_slow_slug_never_delays_another(server: LocalVendo) -> None:
    client = server.client()
    with ThreadPoolExecutor(1) as pool, server.hold("credentials", "gmail") as gate:
        slow = pool.submit(client.token, "gmail")
        gate.wait_for(1)
        assert client.token("slack") == server.token("slack")
        assert client.tokens(["openai", "slack"])["openai"] == server.token("openai")
        assert not slow.done()
        gate.release()
        assert slow.result() == server.token("gmail")


def test_one_users_slow_fetch_never_delays_another_user(server: LocalVendo) -> None:
    client = server.client()
    with ThreadPoolExecutor(2) as pool, server.hold("credentials") as gate:
        one = pool.submit(client.for_user("one.jwt.x").token, "gmail")
        gate.wait_for(1)
        two = pool.submit(client.for_user("two.jwt.x").token, "gmail")
        gate.wait_for(2)  # it does not wait for the first user's fetch
        gate.release()
        assert one.result() != two.result()


def test_every_caller_gets_its_own_error_and_it_is_not_cached(server: LocalVendo) -> None:
    client = server.client()
    failures = waiting_threads(server, lambda: client.token("notion"), 20)
    assert {type(failure) for failure in failures} == {NotConnected}
    assert len({id(failure) for failure in failures}) == 20
    assert server.count("credentials") == 1

    server.connect("notion")
    assert client.token("notion") == server.token("notion")


def test_failing_backend_gets_one_request_and_another_by_the_next_caller(
    server: LocalVendo,
) -> None:
    client = server.client(retry=RetryPolicy(1))
    server.fail("credentials", status=503)
    failures = waiting_threads(server, lambda: client.token("gmail"), 20)
    assert {(type(failure), failure.status) for failure in failures} == {(UpstreamError, 503)}
    assert server.count("credentials") == 1
    assert client.token("gmail") == server.token("gmail")


def test_invalidating_during_a_fetch_wins(server: LocalVendo) -> None:
    client = server.client()
    with ThreadPoolExecutor(3) as pool, server.hold("credentials", "gmail") as gate:
        before = [pool.submit(client.token, "gmail")]
        gate.wait_for(1)
        before += [pool.submit(client.token, "gmail") for _ in range(2)]
        old = server.token("gmail")
        client.invalidate("gmail")
        new = server.rotate("gmail")
        gate.release()
        assert [result.result() for result in before] == [new] * 3
    assert old != new
    assert client.token("gmail") == new


def test_token_requested_before_an_invalidation_is_not_served(
    server: LocalVendo,
) -> None:
    """The old response is already on its way when the token is invalidated."""
    client = server.client()
    server.fail("credentials", body={"access_token": "stale", "expires_at": None}, slug="gmail")
    with ThreadPoolExecutor(1) as pool, server.hold("credentials", "gmail") as gate:
        pending = pool.submit(client.token, "gmail")
        gate.wait_for(1)
        client.invalidate("gmail")
        gate.release()
        assert pending.result() == server.token("gmail")
    assert client.token("gmail") == server.token("gmail")
    assert server.count("credentials") == 2


def test_invalidation_is_for_one_user_and_slug(server: LocalVendo) -> None:
    client = server.client()
    theirs = client.for_user("one.jwt.x")
    for each in (client, theirs):
        each.tokens(["gmail", "slack"])
    server.clear_requests()
    theirs.invalidate("Gmail")
    client.tokens(["gmail", "slack"])
    theirs.token("slack")
    assert server.requests == []
    theirs.token("gmail")
    assert server.count("credentials", "gmail") == 1


class InvalidatingTransport:
    """A transport that invalidates the token during each of its fetches."""

    def __init__(self, client: vendo.Vendo) -> None:
        self.client = client

    def send(self, request: Any) -> Any:
        self.client.invalidate("gmail")
        return self.client._opened_transport().send(request)

    def close(self) -> None:
        self.client.close()


def test_endless_invalidations_end_with_the_time_out(
    server: LocalVendo,
) -> None:
    with server.client(timeout=0.2, transport=InvalidatingTransport(server.client())) as client:
        with pytest.raises(vendo.UpstreamTimeout, match="gmail") as caught:
            client.token("gmail")
        assert caught.value.slug == "gmail"
        with pytest.raises(vendo.UpstreamTimeout, match="gmail"):
            client.tokens(["gmail"])


def test_waiting_caller_times_out_and_the_leader_continues(server: LocalVendo) -> None:
    patient, hasty = server.client(), server.client(timeout=0.05)
    with ThreadPoolExecutor(1) as pool, server.hold("credentials") as gate:
        leading = pool.submit(patient.token, "gmail")
        gate.wait_for(1)
        with pytest.raises(vendo.UpstreamTimeout) as caught:
            hasty.token("gmail")
        assert isinstance(caught.value, TimeoutError)
        assert "timeout=" in (caught.value.suggested_fix or "")
        gate.release()
        assert leading.result() == server.token("gmail")
    assert hasty.token("gmail") == server.token("gmail")
    assert server.count("credentials") == 1


def test_fifty_rejections_of_one_token_make_one_request(server: LocalVendo) -> None:
    client = server.client()
    stale = client.token("gmail")
    server.expire("gmail")
    server.clear_requests()

    def reject_and_renew() -> str:
        client._reject("gmail", stale)
        return client.token("gmail")

    assert set(waiting_threads(server, reject_and_renew, 50)) == {server.token("gmail")}
    assert server.count("credentials") == 1


def test_rejection_of_a_replaced_token_fetches_nothing(server: LocalVendo) -> None:
    client = server.client()
    stale = client.token("gmail")
    server.expire("gmail")
    client._reject("gmail", stale)
    client.token("gmail")
    server.clear_requests()
    client._reject("gmail", stale)
    assert client.token("gmail") == server.token("gmail")
    assert server.requests == []


def test_threads_have_a_token_while_another_refreshes(server: LocalVendo, clock: Any) -> None:
    client = server.client()
    first = client.token("gmail")
    clock.begin_refreshing()
    second = server.rotate("gmail")
    with ThreadPoolExecutor(1) as pool, server.hold("credentials") as gate:
        refreshing = pool.submit(client.token, "gmail")
        gate.wait_for(1)
        assert {client.token("gmail") for _ in range(100)} == {first}
        assert client.tokens(["gmail"]) == {"gmail": first}
        gate.release()
        assert refreshing.result() == second
    assert client.token("gmail") == second
    assert server.count("credentials") == 2


class BrokenTransport:
    """Raise an unexpected error once, and serve the next request."""

    def __init__(self, client: vendo.Vendo) -> None:
        self.client = client
        self.failed = threading.Event()

    def send(self, request: Any) -> Any:
        if not self.failed.is_set():
            self.failed.set()
            raise LookupError("a bug in a transport")
        return self.client._opened_transport().send(request)

    def close(self) -> None:
        self.client.close()


def test_unexpected_error_of_a_leader_leaves_the_next_caller_served(
    server: LocalVendo,
) -> None:
    client = server.client(transport=BrokenTransport(server.client()))
    with pytest.raises(LookupError):
        client.token("gmail")
    assert client.token("gmail") == server.token("gmail")
    client.close()


INTERRUPTED = """
import sys, threading
import vendo

client = vendo.Vendo()
tokens = []

def others():
    sys.stdin.readline()
    def call():
        tokens.append(client.token("gmail"))

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    print("begun", flush=True)
    for thread in threads:
        thread.join()

helper = threading.Thread(target=others)
helper.start()
try:
    client.token("gmail")
except KeyboardInterrupt:
    print("interrupted", flush=True)
helper.join()
print(len(tokens), len(set(tokens)), flush=True)
"""


def test_ctrl_c_ends_the_leader_and_another_takes_over(server: LocalVendo) -> None:
    program = Child(
        [sys.executable, "-c", INTERRUPTED],
        env={**os.environ, **server.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    with program, server.hold("credentials") as gate:
        gate.wait_for(1)  # the main thread leads
        program.stdin.write("go\n")
        program.stdin.flush()
        assert program.stdout.readline() == "begun\n"
        program.send_signal(signal.SIGINT)
        assert program.stdout.readline() == "interrupted\n"
        gate.wait_for(2)
        gate.release()
        assert program.stdout.readline() == "5 1\n"
        assert program.wait(10) == 0
    assert server.count("credentials") == 2


@pytest.mark.parametrize("ticks", range(4))
def test_event_loop_that_ends_immediately_leaves_the_next_caller_served(
    server: LocalVendo, ticks: int
) -> None:
    """The leader's task may have been created but never run."""
    asynchronous = server.async_client(transport="threads")

    async def leave() -> None:
        task = asyncio.create_task(asynchronous.token("gmail"))
        connections = asyncio.create_task(asynchronous.connections.list())
        for _ in range(ticks):
            await asyncio.sleep(0)
        assert not task.done()
        assert not connections.done()

    with server.hold("any"):
        asyncio.run(leave())
    client = server.client(timeout=5.0)
    assert client.token("gmail") == server.token("gmail")
    assert client.connections.connected_slugs() == ["gmail", "openai", "slack"]


def test_lost_leader_costs_one_time_out(server: LocalVendo, clock: Any) -> None:
    from vendo._tokens import cache as token_cache

    client = server.client()
    scope = client._settings.scope()
    assert scope is not None
    token_cache.shared.claim(
        (*scope, None, "gmail"), within=client.timeout
    )  # and its leader is lost
    clock.advance(client.timeout + token_cache.OVERDUE_SECONDS)
    began = time.monotonic()
    assert client.token("gmail") == server.token("gmail")
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("status", ["available", "needs_reauth"])
def test_bulk_callers_get_none_for_another_callers_missing_credential(
    server: LocalVendo, status: str
) -> None:
    server.set_status("gmail", status)
    client = server.client()
    with ThreadPoolExecutor(2) as pool, server.hold("credentials", "gmail") as gate:
        single = pool.submit(client.token, "gmail")
        gate.wait_for(1)
        bulk = pool.submit(client.tokens, ["gmail", "slack"])
        server.wait_for_requests(2)
        gate.release()
        assert bulk.result() == {"gmail": None, "slack": server.token("slack")}
        assert isinstance(single.exception(), NotConnected | vendo.NeedsReauth)


@pytest.mark.parametrize("code", ["provider_unknown", "profile_unsupported"])
def test_bulk_callers_get_none_for_another_callers_unknown_slug(
    server: LocalVendo, code: str
) -> None:
    slug = "nosuchthing"
    if code == "profile_unsupported":
        slug = "notion"
        server.connect(slug, profile="user_oauth")
    client = server.client()
    with ThreadPoolExecutor(2) as pool, server.hold("credentials", slug) as gate:
        single = pool.submit(client.token, slug)
        gate.wait_for(1)
        bulk = pool.submit(client.tokens, ["openai", slug])
        server.wait_for_requests(2)
        gate.release()
        assert bulk.result() == {"openai": server.token("openai"), slug: None}
        failure = single.exception()
    assert isinstance(failure, vendo.VendoError)
    assert failure.code == code


def test_bulk_callers_get_another_callers_error(server: LocalVendo) -> None:
    server.fail("credentials", code="app_revoked", slug="gmail")
    client = server.client()
    with ThreadPoolExecutor(2) as pool, server.hold("credentials", "gmail") as gate:
        single = pool.submit(client.token, "gmail")
        gate.wait_for(1)
        bulk = pool.submit(client.tokens, ["openai", "gmail"])
        server.wait_for_requests(2)
        gate.release()
        assert isinstance(bulk.exception(), vendo.AuthError)
        assert isinstance(single.exception(), vendo.AuthError)


def test_waiting_caller_requests_a_slug_missing_in_the_bulk_response(
    server: LocalVendo,
) -> None:
    server.set_status("gmail", "needs_reauth")
    client = server.client()
    with ThreadPoolExecutor(2) as pool, server.hold("credentials") as gate:
        bulk = pool.submit(client.tokens, ["gmail", "slack"])
        gate.wait_for(1)
        single = pool.submit(client.token, "gmail")
        gate.release()
        assert bulk.result()["gmail"] is None
        assert isinstance(single.exception(), vendo.NeedsReauth)
