"""Watching the events drops outdated tokens from the cache."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import pytest

from support.flows import JWT
from vendo import Vendo, VendoOnlyFeature
from vendo._client import watched_tokens
from vendo._protocol import subscription
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from vendo._client.event_watch import EventWatch


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "FIRST_BACKOFF", 0.01)


def changed(client: Vendo, slug: str, old: str) -> str:
    """Return the next token that differs: the event is on its way."""
    deadline = time.monotonic() + 20
    while (token := client.token(slug)) == old:
        assert time.monotonic() < deadline
    return token


def ended(watch: EventWatch) -> bool:
    deadline = time.monotonic() + 20
    while watch.is_running and time.monotonic() < deadline:
        pass
    return not watch.is_running


def test_change_of_a_connection_drops_its_cached_tokens(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tokens that are there when the stream opens are fetched again some time.
    monkeypatch.setattr(watched_tokens, "MISSED_SECONDS", 1e6)
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        old, other = client.token("gmail"), client.token("openai")
        user = client.for_user(JWT)
        old_of_user = user.token("gmail")

        new = server.rotate("gmail")

        assert changed(client, "gmail", old) == new
        assert changed(user, "gmail", old_of_user) == server.token("gmail", user=JWT)
        assert client.token("openai") == other
    assert server.count("credentials", "openai") == 1


@pytest.mark.parametrize("kind", ["connection.disconnected", "connection.status_changed"])
def test_every_kind_of_connection_event_drops_the_token(server: LocalVendo, kind: str) -> None:
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        old = client.token("gmail")
        server.expire("gmail")  # without an event
        assert client.token("gmail") == old
        server.emit(kind, slug="gmail", connection_id="x", status="connected")
        assert changed(client, "gmail", old) == server.token("gmail")


def test_billing_events_keep_the_tokens(server: LocalVendo) -> None:
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        old, other = client.token("gmail"), client.token("openai")
        server.expire("gmail")
        server.emit("billing.usage_recorded", slug="gmail", provider="gmail", micros=1)
        server.rotate("openai")
        assert changed(client, "openai", other)  # the event before it was read as well
        assert client.token("gmail") == old


def test_tokens_of_another_deployment_are_kept(server: LocalVendo) -> None:
    with LocalVendo(["gmail"]) as another, another.client() as foreign:
        kept = foreign.token("gmail")
        another.expire("gmail")
        with server.client() as client, client.events.watch():
            server.wait_for_streams(1)
            old = client.token("gmail")
            server.rotate("gmail")
            changed(client, "gmail", old)
        assert foreign.token("gmail") == kept


def test_all_watchers_share_one_stream(server: LocalVendo) -> None:
    with server.client() as one, server.client() as two:
        watches = [one.events.watch(), two.events.watch(), one.for_user(JWT).events.watch()]
        server.wait_for_streams(1)
        assert all(watch.is_running for watch in watches)
        watches[0].stop()
        watches[0].stop()
        assert not watches[0].is_running
        assert repr(watches[0]) == "<EventWatch, stopped>"
        assert repr(watches[1]) == "<EventWatch, running>"
        old = two.token("gmail")
        server.rotate("gmail")
        changed(two, "gmail", old)
        watches[1].stop()
        watches[2].stop()
        server.wait_for_streams(0)
    assert server.count("events") == 1
    assert "x-vendo-user-jwt" not in server.requests[0].headers


def test_watching_again_after_a_stop_opens_a_stream_again(server: LocalVendo) -> None:
    with server.client() as client:
        for _ in range(2):
            with client.events.watch() as watch:
                server.wait_for_streams(1)
                assert watch.is_running
            server.wait_for_streams(0)


def test_permanent_error_ends_the_watch_and_is_logged(
    server: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    server.revoke_key()
    with server.client() as client, caplog.at_level(logging.DEBUG, logger="vendo"):
        watch = client.events.watch()
        assert ended(watch)
        server.restore_key()
        with client.events.watch() as another:
            server.wait_for_streams(1)
            assert another.is_running
        watch.stop()
    assert "Watching events has stopped" in caplog.text
    assert server.api_key not in caplog.text


def test_a_watch_survives_a_restart_of_the_backend(server: LocalVendo) -> None:
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        old = client.token("gmail")
        server.stop()
        server.start()
        server.wait_for_streams(1)
        new = server.rotate("gmail")
        assert changed(client, "gmail", old) == new


def test_stopping_does_not_wait_for_a_backend_that_hangs(server: LocalVendo) -> None:
    with server.client() as client, server.hold("events") as gate:
        watch = client.events.watch()
        gate.wait_for(1)
        begun = time.monotonic()
        watch.stop()
        assert time.monotonic() - begun < 10


def test_watching_without_a_key_is_an_error() -> None:
    with pytest.raises(VendoOnlyFeature, match=r"events\.watch"):
        Vendo().events.watch()


def test_async_client_watches_events(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client(transport="threads") as client:
            with client.events.watch() as watch:
                server.wait_for_streams(1)
                assert watch.is_running
                with server.client() as blocking:
                    old = await client.token("gmail")
                    server.rotate("gmail")
                    changed(blocking, "gmail", old)

    asyncio.run(main())
    server.wait_for_streams(0)
