"""What callers report who must not wait, sent in the background."""

from __future__ import annotations

from collections import deque
from threading import RLock, Thread

from vendo._protocol.moments import elapsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    #: A slug, and a user or an empty text.
    Item: TypeAlias = tuple[str, str]


#: Items that wait, at most. The oldest ones are dropped.
_MOST = 1000


class Outbox:
    """Sends each item in a thread, which ends when all are sent.

    Args:
        send: sends one item. It may block.
        interval: seconds in which an item is sent only once.
    """

    def __init__(self, send: Callable[[str, str], None], interval: float) -> None:
        self._send = send
        self._interval = interval
        self._lock = RLock()  # a signal handler may enter it again
        self._waiting: deque[Item] = deque(maxlen=_MOST)
        #: When each item was put, the oldest first.
        self._put_at: dict[Item, float] = {}
        self._is_running = False

    def put(self, item: Item) -> None:
        """Send an item soon, unless it was put just before."""
        now = elapsed()
        with self._lock:
            while self._put_at and now - next(iter(self._put_at.values())) >= self._interval:
                del self._put_at[next(iter(self._put_at))]
            if item in self._put_at or item in self._waiting:
                return
            self._put_at[item] = now
            self._waiting.append(item)
            if self._is_running:
                return
            self._is_running = True
        try:
            Thread(target=self._run, daemon=True, name="vendo-rejections").start()
        except RuntimeError:  # the system has no more
            self._is_running = False

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                item = self._waiting.popleft()
            try:
                self._send(*item)
            except BaseException:
                self._is_running = False
                raise
