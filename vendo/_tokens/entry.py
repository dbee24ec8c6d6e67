"""A token in the cache, and its deadlines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.moments import Moment

#: Seconds before its expiry from which a token is not handed out without a refresh ...
LAST_SECONDS = 60.0
#: ... but at most this share of its life.
LAST_SHARE = 0.2
#: The refresh begins up to this share of the token's life earlier, at random.
JITTER_SHARE = 0.1
MAX_JITTER = 120.0
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
        "received_at",
        "refresh_at",
        "token",
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
        if lifetime is None:
            self.expires_at = float("inf")
            self.wait_from = now + UNDATED_SECONDS
            life = UNDATED_SECONDS
        else:
            self.expires_at = now + lifetime
            self.wait_from = self.expires_at - min(LAST_SECONDS, lifetime * LAST_SHARE)
            life = lifetime
        #: From here one caller refreshes; from `wait_from` the others wait for it.
        self.refresh_at = self.wait_from - random.random() * min(MAX_JITTER, life * JITTER_SHARE)  # noqa: S311  # spreads load
        #: From here `get` leaves the token to `claim`: for its refresh, or for the next sweep.
        self.check_at = self.refresh_at

    def __repr__(self) -> str:
        return f"<Entry refresh_at={self.refresh_at:.0f} expires_at={self.expires_at:.0f}>"
