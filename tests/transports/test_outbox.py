"""What callers report is sent in the background: each item once, in its order."""

from __future__ import annotations

import signal
from threading import Event
from threading import enumerate as all_threads

import pytest

from vendo._client import outbox
from vendo._client.outbox import Outbox

INTERVAL = 2.0


class Sent:
    """Notes the items, and may be slow."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str]] = []
        self.may_go_on = Event()
        self.may_go_on.set()
        self.has_all = Event()

    def send(self, slug: str, user: str) -> None:
        assert self.may_go_on.wait(60)
        self.items.append((slug, user))
        if slug == "last":
            self.has_all.set()


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr(outbox, "elapsed", lambda: clock[0])
    return clock


def join() -> None:
    for thread in all_threads():
        if thread.name == "vendo-rejections":
            thread.join(60)


def test_each_item_is_sent_once_in_an_interval(sent: Sent, now: list[float]) -> None:
    box = Outbox(sent.send, INTERVAL)
    sent.may_go_on.clear()
    for slug in ("gmail", "slack", "gmail", "slack", "last"):
        box.put((slug, ""))
    assert sent.items == []  # no caller waits
    sent.may_go_on.set()
    assert sent.has_all.wait(60)
    join()
    now[0] += INTERVAL
    box.put(("gmail", ""))
    join()
    assert [slug for slug, _ in sent.items] == ["gmail", "slack", "last", "gmail"]


@pytest.mark.usefixtures("now")
def test_a_signal_handler_may_report_while_its_thread_does(sent: Sent) -> None:
    box = Outbox(sent.send, INTERVAL)
    former = signal.signal(signal.SIGUSR1, lambda *_: box.put(("of the handler", "")))
    try:
        with box._lock:  # as in the middle of `put`
            signal.raise_signal(signal.SIGUSR1)
        box.put(("last", ""))
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert sent.has_all.wait(60)
    join()
    assert [slug for slug, _ in sent.items] == ["of the handler", "last"]
