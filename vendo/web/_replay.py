"""Replay protection: the platform may deliver a webhook more than once, and it is handled once.

An event is unknown, in progress or done. The delivery that finds it unknown takes a lease on it,
renews that while the event is handled, and then marks it as done. A lease that nobody renews ends:
its process was killed, and the next delivery handles the event.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Final

from vendo._protocol.log import visible as logger
from vendo.errors import invalid
from vendo.web._exceptions import EventInProgress
from vendo.web._replay_stores import ReplayStore

#: Seconds that an event stays in progress after its lease was taken or renewed.
LEASE_SECONDS: Final = 60
#: Seconds that an event is remembered after it was handled.
REPLAY_SECONDS: Final = 24 * 60 * 60
#: Seconds after which the platform may repeat an event that is in progress.
RETRY_AFTER_SECONDS: Final = 10

_DONE = "done"


class Delivery:
    """Handle one delivery of an event: `begin` it, and then `finish` or `release` it.

    A store that is away keeps no event from being handled: that is logged. `handle_once` does all
    of it for a function that is not async.

    Args:
        store: the replay store.
        key: what stands for the event in the store.

    Example:
        ```python
        from vendo.web import Delivery, ReplayCache

        delivery = Delivery(ReplayCache(), "evt_1")
        if delivery.begin():
            try:
                print("handled")
            except BaseException:
                delivery.release()
                raise
            delivery.finish()
        ```
    """

    def __init__(self, store: ReplayStore, key: str) -> None:
        self._store = store
        self._key = key
        self._lease = f"lease {secrets.token_hex(8)}"
        self._has_ended = threading.Event()
        self._renewing: threading.Thread | None = None

    def begin(self) -> bool:
        """Take the event, if it is new.

        Returns:
            True if this delivery handles the event, False if it was handled.

        Raises:
            EventInProgress: another delivery handles it.

        Example:
            ```python
            from vendo.web import Delivery, ReplayCache

            store = ReplayCache()
            delivery = Delivery(store, "evt_1")
            print(delivery.begin())  # True
            delivery.finish()
            print(Delivery(store, "evt_1").begin())  # False
            ```
        """
        found = _attempt(lambda: self._store.add(self._key, self._lease, LEASE_SECONDS))
        if self._has_ended.is_set():  # released by another thread, perhaps before there was a lease
            self.release()
            return False
        if found == _DONE:
            return False
        if found is not None and found != self._lease:
            raise EventInProgress(
                "webhook_in_progress",
                "Another delivery of this event is being handled.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        if found is None:
            logger.warning(
                "The replay store kept nothing: a webhook is handled without replay protection."
            )
        self._renew_in_thread()
        return True

    def finish(self) -> None:
        """Mark the event as done. It is remembered for 24 hours.

        Example:
            ```python
            from vendo.web import Delivery, ReplayCache

            delivery = Delivery(ReplayCache(), "evt_1")
            if delivery.begin():
                delivery.finish()
            ```
        """
        self._end()
        _attempt(lambda: self._store.put(self._key, _DONE, REPLAY_SECONDS))

    def release(self) -> None:
        """Forget the event: handling it failed, so the next delivery handles it.

        Another thread may be in `begin`: it returns False.

        Example:
            ```python
            from vendo.web import Delivery, ReplayCache

            store = ReplayCache()
            delivery = Delivery(store, "evt_1")
            delivery.begin()
            delivery.release()
            repeat = Delivery(store, "evt_1")
            print(repeat.begin())  # True
            repeat.finish()
            ```
        """
        self._end()
        _attempt(lambda: self._store.discard(self._key, self._lease))

    def _renew_in_thread(self) -> None:
        thread = threading.Thread(target=self._renew, name="vendo-webhook-lease", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads are available: the lease lasts a minute
            logger.warning("The lease on a webhook is not renewed: no thread can be started.")
        except BaseException:  # of a signal: the thread may run, and nothing handles the event
            self.release()
            raise
        else:
            self._renewing = thread

    def _end(self) -> None:
        """Stop renewing the lease, so that it does not replace what comes next."""
        self._has_ended.set()
        if self._renewing is not None:
            self._renewing.join()

    def _renew(self) -> None:
        while not self._has_ended.wait(LEASE_SECONDS / 3):
            if _attempt(lambda: self._store.renew(self._key, self._lease, LEASE_SECONDS)) is False:
                return


def handle_once(store: ReplayStore, key: str, handle: Callable[[], object]) -> None:
    """Call `handle` unless this event was handled before.

    Args:
        store: the replay store.
        key: what stands for the event in the store, such as its `id`.
        handle: handles the event. If it raises, the next delivery is handled.

    Raises:
        EventInProgress: another delivery handles it. Respond with 409.
        ValidationError: `handle` is a coroutine function.

    Example:
        ```python
        from vendo.web import ReplayCache, handle_once

        store = ReplayCache()
        for delivery in range(2):
            handle_once(store, "evt_1", lambda: print("handled"))  # printed once
        ```
    """
    delivery = Delivery(store, key)
    if not delivery.begin():
        return
    try:
        _check_handled(handle())
    except BaseException:
        delivery.release()
        raise
    delivery.finish()


def _check_handled(result: object) -> None:
    if isawaitable(result):
        close = getattr(result, "close", None)
        if close is not None:
            close()  # it was never awaited
        raise invalid(
            "The handler of a webhook returned something to await, and was not run.",
            fix="Give handle_once() a function that is not async, or use Delivery: begin() it, "
            "await your own function, and then finish() or release() it.",
        )


def is_first_use(store: ReplayStore, key: str, seconds: int) -> bool:
    """Return whether a key is used for the first time. True also where the store is away."""
    value = secrets.token_hex(8)
    found = _attempt(lambda: store.add(key, value, seconds))
    return found is None or found == value


def _attempt(call: Callable[[], Any]) -> Any:
    """Return what a call to the store returns; None, with a log record, where it fails."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001  # a store raises what its client raises
        # Without the traceback, whose frames may show the store's password.
        logger.warning("The replay store failed: %s: %s", type(error).__name__, error)
        return None
