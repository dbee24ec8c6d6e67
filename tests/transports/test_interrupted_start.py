"""A signal that arrives while a thread is started leaves no thread behind that nobody ends."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from vendo import reconciler
from vendo.web import ReplayCache, handle_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo


@contextmanager
def interrupted(name: str, begun: Callable[[], object] = bool) -> Iterator[None]:
    """Interrupt the start of the thread of this name, after it runs and `begun` has returned.

    The thread must end by itself afterwards.
    """
    threads: list[threading.Thread] = []

    def trace(frame: Any, _event: str, _argument: object) -> None:
        caller = frame.f_back
        if frame.f_code.co_filename != threading.__file__ or caller.f_code.co_name != "start":
            return
        starting = caller.f_locals["self"]
        if frame.f_code.co_name == "wait" and starting.name == name:
            threads.append(starting)
            sys.settrace(before)
            begun()
            while not starting.is_alive():
                time.sleep(0)
            raise KeyboardInterrupt

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        sys.settrace(before)
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_wait(server: LocalVendo) -> None:
    with server.client() as client:
        with interrupted("vendo-wait", lambda: server.wait_for_streams(1)):
            client.connections.wait("notion")
        server.wait_for_streams(0)


def test_watch(server: LocalVendo) -> None:
    with server.client() as client:
        with interrupted("vendo-events", lambda: server.wait_for_streams(1)):
            client.events.watch()
        server.wait_for_streams(0)

        with client.events.watch() as watch:
            server.wait_for_streams(1)
            assert watch.is_running


def test_reconciler(server: LocalVendo, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    with server.client() as client:
        with interrupted("vendo-reconciler", lambda: server.wait_for_streams(1)):
            reconciler.start(env_file=file, mapping={"KEY": "openai"}, client=client)
        server.wait_for_streams(0)


def test_lease_of_a_webhook() -> None:
    store = ReplayCache()
    handled: list[int] = []

    with interrupted("vendo-webhook-lease"):
        handle_once(store, "evt_1", lambda: handled.append(1))
    assert handled == []

    handle_once(store, "evt_1", lambda: handled.append(2))
    assert handled == [2]
