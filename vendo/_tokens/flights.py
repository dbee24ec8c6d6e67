"""Fetches in flight: one for each missing token, and the callers that wait for it."""

from __future__ import annotations

from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from concurrent.futures import Future
    from typing import TypeAlias

    from vendo._tokens.entry import Entry
    from vendo.errors import VendoError

    #: (credentials URL, API key, digest of the user's JWT, slug). A plain tuple, since every call
    #: builds one.
    CacheKey: TypeAlias = tuple[str, str, str | None, str]


class Flight:
    """One fetch in flight, and the callers that wait for it.

    It ends with a token, with an error, or abandoned: then its result is not used, and each waiting
    caller claims again. A flight that has left the table gets no new waiting callers.
    """

    __slots__ = (
        "done",
        "error",
        "fallback",
        "is_alone",
        "key",
        "loop",
        "overdue_at",
        "refresh_between",
        "rejected",
        "thread",
        "token",
    )

    def __init__(
        self, key: CacheKey, fallback: Entry | None, overdue_at: float, *, is_alone: bool = False
    ) -> None:
        self.key = key
        #: True for a flight that serves its leader only, and is not in the table.
        self.is_alone = is_alone
        #: The token that is still good while a newer one is being fetched.
        self.fallback = fallback
        self.overdue_at = overdue_at
        #: Made for the first waiting caller. Most fetches have only a leader.
        self.done: Future[None] | None = None
        #: The event loop of the task that fetches; None for a thread. It ends with the loop.
        self.loop: AbstractEventLoop | None = None
        #: The thread that claimed it.
        self.thread = get_ident()
        self.token: str | None = None
        #: A token that the provider rejected after this fetch began. Its result may be that one.
        self.rejected: str | None = None
        #: The earliest and latest time in seconds at which its result is fetched again, since the
        #: connection changed meanwhile.
        self.refresh_between: tuple[float, float] | None = None
        self.error: VendoError | None = None

    def awaited(self) -> None:
        """Note that a caller waits; called while the cache is locked."""
        if self.done is None:
            from concurrent.futures import Future  # with logging and threading, not needed before

            self.done = Future()

    def wake(self) -> None:
        """Wake the waiting callers, after the flight has left the table."""
        if self.done is not None and not self.done.done():
            self.done.set_result(None)

    def outcome(self) -> str | None:
        """Return the token, or None if the flight was abandoned.

        Raises:
            VendoError: the error of the fetch, a copy for each caller.
        """
        if self.error is not None:
            raise self.error.replace() from None
        return self.token


class Claim:
    """The task of a caller without a usable token: `lead` the flight, or wait for it."""

    __slots__ = ("flight", "lead")

    def __init__(self, flight: Flight, *, lead: bool) -> None:
        self.flight = flight
        self.lead = lead
