"""`connections.wait()`: until a user connects a provider, by events and else by looking."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.watches import until
from support.ways import Way, run
from vendo import Connection, ConnectTimeout, NotConnected, VendoOnlyFeature, aio
from vendo._client import waiting
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable


def wait(way: Way, server: LocalVendo, slug: str = "notion", **options: Any) -> Connection:
    settings = server._addresses()
    found = run(way, settings, lambda client: client.connections.wait(slug, **options))
    assert isinstance(found, Connection)
    return found


def while_waiting(
    way: Way, server: LocalVendo, act: Callable[[], object], **options: Any
) -> Connection:
    """Do something once a wait has begun, and return its result."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, way, server, **options)
        server.wait_for_requests(1, "api")
        act()
        return waiting.result(30)


def test_a_connected_provider_is_returned_at_once(way: Way, server: LocalVendo) -> None:
    assert wait(way, server, "Gmail").slug == "gmail"
    assert server.count("api") == 1


def test_it_ends_when_a_user_connects(way: Way, server: LocalVendo) -> None:
    connection = while_waiting(way, server, lambda: server.connect("notion"))

    assert (connection.slug, connection.status) == ("notion", "connected")
    server.wait_for_streams(0)


def test_an_event_ends_it_before_the_next_look(way: Way, server: LocalVendo) -> None:
    def connect() -> None:
        server.wait_for_streams(1)
        server.connect("slack")  # of another provider: nothing to look for
        server.connect("notion")

    server.disconnect("slack")
    assert while_waiting(way, server, connect).slug == "notion"


@pytest.mark.parametrize("status", ["available", "pending_setup", "needs_reauth", "error"])
def test_another_status_is_waited_for(way: Way, server: LocalVendo, status: str) -> None:
    server.connect("notion", status=status)

    connection = while_waiting(way, server, lambda: server.set_status("notion", "connected"))

    assert connection.is_connected


def test_it_looks_where_the_events_are_refused(way: Way, server: LocalVendo) -> None:
    server.fail("events", 429, code="rate_limit_sse_streams", times=None, retry_after=3600)

    assert while_waiting(way, server, lambda: server.connect("notion")).slug == "notion"


@pytest.mark.parametrize("status", [204, 404, 500])
def test_it_looks_where_there_are_no_events(way: Way, server: LocalVendo, status: int) -> None:
    server.fail("events", status, times=None)

    assert while_waiting(way, server, lambda: server.connect("notion")).slug == "notion"


def test_a_server_that_restarts_meanwhile_does_not_end_it(way: Way, server: LocalVendo) -> None:
    def restart() -> None:
        server.stop()
        server.connect("notion")
        server.start()

    assert while_waiting(way, server, restart).slug == "notion"


def test_the_variable_of_connected_slugs_is_not_believed(
    way: Way, server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_CONNECTIONS", "notion")
    server.fail("api", 503, times=None)

    with pytest.raises(ConnectTimeout):
        wait(way, server, timeout=0.2)


def test_time_out(way: Way, server: LocalVendo) -> None:
    with pytest.raises(TimeoutError, match=r"'notion' was not connected within 0\.05 s") as caught:
        wait(way, server, timeout=0.05)

    error = caught.value
    assert isinstance(error, ConnectTimeout)
    assert isinstance(error, NotConnected)
    assert error.slug == "notion"
    assert "vendo.connect_url('notion')" in (error.suggested_fix or "")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    server.wait_for_streams(0)


def test_the_last_failure_is_in_the_time_outs_text(
    way: Way, server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fail("api", 503, times=None)
    # The time is over after the first look.
    monkeypatch.setattr(waiting, "elapsed", lambda: 1000.0 * bool(server.count("api")))

    with pytest.raises(ConnectTimeout, match="The last look failed: "):
        wait(way, server, timeout=30)


def test_a_held_response_does_not_outlast_the_time_out(way: Way, server: LocalVendo) -> None:
    with server.hold("api"), pytest.raises(ConnectTimeout):
        wait(way, server, timeout=0.1)


def test_a_rejected_key_is_raised(way: Way, server: LocalVendo) -> None:
    server.revoke_key()

    with pytest.raises(vendo.AuthError):
        wait(way, server)


def test_a_key_that_is_revoked_meanwhile_is_raised(way: Way, server: LocalVendo) -> None:
    with pytest.raises(vendo.AuthError):
        while_waiting(way, server, server.revoke_key)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", None, True, 1e9])
def test_malformed_time_out(way: Way, server: LocalVendo, timeout: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="timeout="):
        wait(way, server, timeout=timeout)
    assert server.requests == []


def test_malformed_slug(way: Way, server: LocalVendo) -> None:
    with pytest.raises(vendo.ValidationError):
        wait(way, server, "no tion")


def test_oss_mode_has_no_connections_to_wait_for() -> None:
    with pytest.raises(VendoOnlyFeature, match=r"connections\.wait needs Vendo mode"):
        vendo.connections.wait("notion")
    with pytest.raises(VendoOnlyFeature):
        asyncio.run(aio.connections.wait("notion"))


def test_cancelled_task_closes_the_stream(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client() as client:
            task = asyncio.create_task(client.connections.wait("notion"))
            await asyncio.to_thread(server.wait_for_streams, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    server.wait_for_streams(0)


def test_signal_ends_it(server: LocalVendo) -> None:
    def interrupt() -> None:
        server.wait_for_streams(1)
        # In its pause: a signal while a connection opens may leave that to the garbage collector.
        until(lambda: sys._current_frames()[main_thread].f_code is waiting._Alarm.wait.__code__)
        signal.pthread_kill(main_thread, signal.SIGINT)

    main_thread = threading.get_ident()
    with server.client() as client, ThreadPoolExecutor(1) as pool:
        interrupting = pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.connections.wait("notion")
        interrupting.result()
    server.wait_for_streams(0)


def test_both_signatures_are_the_same() -> None:
    blocking, asynchronous = vendo.connections.wait, aio.connections.wait
    assert inspect.signature(blocking) == inspect.signature(asynchronous)
