"""A token in the cache, and its deadlines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.moments import Moment

#: Seconds before its expiry from which a token is not handed out without a refresh ...
LAST_SECONDS = 60.0
#: ... but at most this share of its life.
LAST_SHARE = 0.2
#: The refresh begins up to this share of the token's life earlier, at random: a thousand processes
#: that started together refresh over seven minutes of an hour.
JITTER_SHARE = 0.12
#: Seconds for which a token counts as new that took the place of a rejected one.
JUST_SECONDS = 2.0
#: The earliest and latest time in seconds at which it is fetched again, if its connection changed.
#: Mostly that was the reason for the rejection.
LATER = (15.0, 30.0)
#: Seconds for which a token counts as the current one, after the provider rejected it and Vendo
#: returned it again. They double with each time.
FIRST_TRUST = 1.0
LONGEST_TRUST = 15.0
#: Seconds after which a token without an expiry is fetched again.
UNDATED_SECONDS = 50 * 60.0


class Entry:
    """A token and its deadlines, as readings of `elapsed`.

    A deadline is also reached when the wall clock has moved on by as much. So a token expires on a
    machine without a clock that runs through suspend, and where a test moves the wall clock.
    """

    __slots__ = (
        "check_at",
        "expires_at",
        "failures",
        "is_accepted",
        "is_rejected",
        "received_at",
        "refresh_at",
        "rejections",
        "replaced_at",
        "token",
        "trusted_until",
        "used_at",
        "wait_from",
        "wall_offset",
    )

    def __init__(self, token: str, lifetime: float | None, received: Moment) -> None:
        """`lifetime` in seconds from `received`; None for a token that does not expire."""
        import random

        now = received.at
        self.token = token
        self.used_at = now
        #: The wall clock when it was requested.
        self.received_at = now + received.wall_offset
        self.wall_offset = received.wall_offset
        #: Failed refreshes in a row, while this token was still good.
        self.failures = 0
        #: True after the provider accepted a request with it.
        self.is_accepted = False
        #: True after the provider rejected it, until it is fetched again.
        self.is_rejected = False
        #: How often Vendo returned it again after a rejection.
        self.rejections = 0
        #: When it took the place of a token that the provider rejected.
        self.replaced_at = float("-inf")
        #: Until here a rejection has another reason than the token.
        self.trusted_until = now
        if lifetime is None:
            self.expires_at = float("inf")
            self.wait_from = now + UNDATED_SECONDS
            life = UNDATED_SECONDS
        else:
            self.expires_at = now + lifetime
            self.wait_from = self.expires_at - min(LAST_SECONDS, lifetime * LAST_SHARE)
            life = lifetime
        #: From here one caller refreshes; from `wait_from` the others wait for it.
        self.refresh_at = self.wait_from - random.random() * life * JITTER_SHARE  # noqa: S311  # spreads load
        #: From here `get` leaves the token to `claim`: for its refresh, or for the next sweep.
        self.check_at = self.refresh_at

    def reject(self, now: float) -> None:
        """Have the token fetched again, since the provider rejected it.

        One that was accepted before serves the other callers meanwhile, and if the fetch fails.
        """
        if now < self.trusted_until:
            return
        self.is_rejected = True
        self.refresh_at = self.check_at = now
        if not self.is_accepted:
            self.expires_at = now

    def refresh_soon(self, now: float, between: tuple[float, float]) -> None:
        """Have the token fetched again, at random between so many seconds. It serves until then.

        One that took the place of a rejected token just now is most likely new already, and is
        fetched again later.
        """
        import random

        earliest, latest = LATER if now - self.replaced_at < JUST_SECONDS else between
        due = now + earliest + random.random() * (latest - earliest)  # noqa: S311  # spreads load
        self.refresh_at = min(self.refresh_at, due)
        self.check_at = min(self.check_at, due)

    def is_doubtful(self, now: float) -> bool:
        """Return whether a rejection in another process is a reason to fetch it again.

        It is none if the token is new, if Vendo has just returned it again, or is away.
        """
        is_new = now - self.replaced_at < JUST_SECONDS
        return not is_new and not self.failures and now >= self.trusted_until

    @property
    def forget_at(self) -> float:
        """When it is not needed any more: a rejected one is compared with the next one."""
        return self.expires_at + (LONGEST_TRUST if self.is_rejected else 0.0)

    def trust(self, now: float, seconds: float, at_least: float | None = None) -> None:
        """Have rejections cost no fetch for some seconds."""
        self.trusted_until = now + max(min(seconds, LONGEST_TRUST), at_least or 0.0)

    def follow(self, former: Entry, now: float) -> None:
        """Keep what is known of the token, if it is the same as that of the entry before."""
        if former.is_rejected:
            self.replaced_at = now
        if former.token != self.token:
            return
        self.is_accepted = former.is_accepted
        self.rejections = former.rejections
        self.trusted_until = former.trusted_until
        if former.is_rejected:
            self.trust(now, FIRST_TRUST * 2.0 ** min(self.rejections, 16))
            self.rejections += 1

    def __repr__(self) -> str:
        return f"<Entry refresh_at={self.refresh_at:.0f} expires_at={self.expires_at:.0f}>"
