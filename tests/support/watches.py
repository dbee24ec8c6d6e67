"""Watches of applications, as the tests of the adapters look at them and end them."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack, contextmanager
from threading import Thread
from threading import enumerate as all_threads
from typing import TYPE_CHECKING

from vendo._client import app_watch, event_watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo._client.event_watch import EventWatch
    from vendo.testing import LocalVendo


class Watches:
    """The watches that a test has started in this process."""

    def __init__(self) -> None:
        self._before = set(_threads())

    @property
    def threads(self) -> list[str]:
        """The names of the threads that watch, and of those that lead."""
        return sorted(each.name for each in _threads() if each not in self._before)

    @property
    def modes(self) -> list[str]:
        """The modes of the watches that run."""
        return sorted(each.mode for each in event_watch._watchers.values() if each.is_running)

    def stop(self) -> None:
        """Stop all watches, also those whose application is gone, and wait for their threads."""
        for watch in app_watch._all():
            watch.stop()
        for watcher in list(event_watch._watchers.values()):
            while watcher._watches:
                watcher.leave(1.0)
        until(lambda: not self.threads)


@contextmanager
def watches() -> Iterator[Watches]:
    """Look at the watches that a test starts, and stop them at its end."""
    gc.collect()  # an application of another test may still begin a watch
    found = Watches()
    try:
        yield found
    finally:
        found.stop()


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true.

    Raises:
        AssertionError: it is not, after a minute.
    """
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_mode(watch: EventWatch, mode: str) -> None:
    """Wait until a watch has a mode, as `until` does."""
    until(lambda: watch.mode == mode)


@contextmanager
def all_streams_open(server: LocalVendo) -> Iterator[None]:
    """Have the five event streams of an app open elsewhere."""
    with ExitStack() as stack:
        client = stack.enter_context(server.client())
        streams = [client.events.subscribe() for _ in range(5)]
        readers = [Thread(target=list, args=[stream]) for stream in streams]
        for reader in readers:
            reader.start()
        for stream, reader in zip(streams, readers, strict=True):
            stack.callback(reader.join, 60)
            stack.callback(stream.close)
        server.wait_for_streams(5, timeout=60)
        yield


def _threads() -> list[Thread]:
    return [each for each in all_threads() if each.name.startswith("vendo-events")]
