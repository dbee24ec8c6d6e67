"""`MockSSE`, with blocking and asyncio subscribers."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import vendo
from vendo import EventStreamMessage
from vendo.testing import MockAsyncClient, MockClient, MockSSE

ONE = vendo.EventStreamMessage("connection.changed", {"slug": "gmail"}, "1")


async def _all(client: MockAsyncClient) -> list[EventStreamMessage]:
    return [event async for event in client.events.subscribe()]


def test_stream_of_given_events_ends_after_them() -> None:
    assert list(MockClient(events=[ONE, ONE]).events.subscribe()) == [ONE, ONE]
    assert asyncio.run(_all(MockAsyncClient(events=[ONE, ONE]))) == [ONE, ONE]
    assert list(MockClient().events.subscribe()) == []


def test_pushed_event_is_as_it_was_given() -> None:
    sse = MockSSE([ONE])

    assert sse.push("connection.changed", {"slug": "slack"}) == EventStreamMessage(
        "connection.changed", {"slug": "slack"}, "2"
    )
    assert sse.push("a.b", [1], id="x", retry=500) == EventStreamMessage("a.b", [1], "x", 500)
    assert sse.push("a.b", "text").data == "text"
    assert sse.push("a.b").data == {}
    assert sse.push(ONE) is ONE
    assert repr(sse) == "<MockSSE, 6 events, open>"


@pytest.mark.parametrize("extra", [{"data": {}}, {"id": "1"}, {"retry": 1}])
def test_event_is_pushed_unchanged(extra: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="cannot be changed"):
        MockSSE().push(ONE, **extra)


def test_iteration_yields_the_events_so_far_and_ends() -> None:
    sse = MockSSE([ONE])
    second = sse.push("a.b")
    events = iter(sse)
    sse.push("a.c")  # later than the iteration

    assert list(events) == [ONE, second]
    assert len(list(sse)) == 3


def test_subscriber_waits_for_events_until_close() -> None:
    sse = MockSSE()
    client = MockClient(events=sse)
    received: list[EventStreamMessage] = []
    arrived = threading.Event()

    def read() -> None:
        with client.events.subscribe() as stream:
            for event in stream:
                received.append(event)
                arrived.set()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        first = sse.push("connection.changed", {"slug": "gmail"})
        assert arrived.wait(10)
        second = sse.push("billing.cap_tripped", {"window": "day"})
        sse.close()
        reading.result(10)

    assert received == [first, second]
    assert client.calls == [("events.subscribe",)]


def test_asyncio_subscriber_is_woken_from_another_thread() -> None:
    sse = MockSSE()

    async def main() -> list[EventStreamMessage]:
        async with MockAsyncClient(events=sse).events.subscribe() as stream:
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)  # it waits now
            await asyncio.to_thread(sse.push, "connection.changed", {"slug": "gmail"})
            first = await waiting
            await asyncio.to_thread(sse.close)
            return [first, *[event async for event in stream]]

    assert [event.slug for event in asyncio.run(main())] == ["gmail"]


def test_every_subscriber_gets_every_event() -> None:
    with MockSSE() as sse:
        client = MockClient(events=sse)
        sse.push("connection.changed", {"slug": "gmail"})
        early = client.events.subscribe()
        assert next(early).slug == "gmail"
        sse.push("connection.changed", {"slug": "slack"})

    assert [event.slug for event in early] == ["slack"]
    assert [event.slug for event in client.events.subscribe()] == ["gmail", "slack"]


def test_close_ends_a_subscription_that_waits_in_another_thread() -> None:
    sse = MockSSE()
    stream = MockClient(events=sse).events.subscribe()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(list, stream)
        stream.close()
        assert reading.result(10) == []


def test_close_ends_an_asyncio_subscription_that_waits() -> None:
    async def main() -> None:
        stream = MockAsyncClient(events=MockSSE()).events.subscribe()
        waiting = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0)
        await stream.aclose()
        assert await waiting is None

    asyncio.run(main())


def test_cancelled_subscriber_is_removed() -> None:
    sse = MockSSE()

    async def main() -> None:
        stream = MockAsyncClient(events=sse).events.subscribe()
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    sse.push("connection.changed", {"slug": "gmail"})  # the loop of a leftover waker is closed


def test_max_backoff_is_validated_like_in_the_real_client() -> None:
    for client in (MockClient(), MockAsyncClient()):
        with pytest.raises(vendo.ValidationError):
            client.events.subscribe(0)


@pytest.mark.parametrize("mock", [MockClient, MockAsyncClient])
def test_mock_watch_starts_no_thread(
    mock: type[MockClient] | type[MockAsyncClient],
) -> None:
    before = set(threading.enumerate())
    client = mock()
    with client.events.watch() as watch:
        states = [watch.is_running]
        assert not set(threading.enumerate()) - before
    assert [*states, watch.is_running] == [True, False]
    assert client.calls == [("events.watch",)]
