"""When to try again, and how long to wait before."""

from __future__ import annotations

from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import UnionType

    import vendo._types
else:
    import vendo  # `_types` is imported when an annotation is read

#: Longest wait that an answer can ask for: a monthly spend cap ends within 31 days.
MAX_RETRY_AFTER = 31 * 86_400.0

RETRYABLE_STATUSES = frozenset({500, 502, 503, 504})


class RetryPolicy:
    """How often a call is tried and how long the pauses between are.

    Args:
        attempts: how many times a call is sent at the most; 1 means no second try.
        backoff: seconds before the second attempt; each further pause is twice as long.
        max_backoff: no pause of our own is longer than this many seconds.

    A pause is drawn between half and all of its length, so that a fleet does not knock in step.

    Raises:
        ValidationError: less than one attempt, or a pause that is no number of seconds.
    """

    # A plain class: the dataclass machinery costs more than the whole of `import vendo`.
    __slots__ = ("attempts", "backoff", "max_backoff")

    def __init__(
        self, attempts: int = 3, *, backoff: float = 0.5, max_backoff: float = 10.0
    ) -> None:
        if not _is_number(attempts, int) or attempts < 1:
            raise _refusal("attempts= takes a whole number from 1 on")
        for name, pause in (("backoff", backoff), ("max_backoff", max_backoff)):
            if not _is_number(pause, int | float) or not 0 <= pause < float("inf"):
                raise _refusal(f"{name}= takes a number of seconds, 0 or more")
        self.attempts: int = attempts
        self.backoff: float = backoff
        self.max_backoff: float = max_backoff

    def __repr__(self) -> str:
        return (
            f"RetryPolicy({self.attempts}, backoff={self.backoff}, max_backoff={self.max_backoff})"
        )

    def __reduce__(self) -> tuple[vendo._types.Any, ...]:
        # The protocols 0 and 1 know nothing of slots.
        return _restored, (self.attempts, self.backoff, self.max_backoff)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RetryPolicy) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the `attempt`-th try (counted from 1) has failed."""
        from random import random

        # The exponent is bounded: a float overflows at 2 ** 1024.
        longest = min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 64))
        return longest * (0.5 + random() / 2)  # noqa: S311  # spreads load, guards nothing


def _restored(attempts: int, backoff: float, max_backoff: float) -> RetryPolicy:
    return RetryPolicy(attempts, backoff=backoff, max_backoff=max_backoff)


def _is_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _refusal(rule: str) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"{rule} in a RetryPolicy.",
        suggested_fix="Write RetryPolicy(3, backoff=0.5, max_backoff=10), which is the usual one.",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` header asks for, as seconds or as an HTTP date.

    A date is read against the server's own `Date` where it sent one. None for anything that is no
    time, or lies in the past; never more than `MAX_RETRY_AFTER`.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return bounded_seconds(float(value) if value.isascii() and "_" not in value else None)
    except ValueError:
        pass
    from vendo._protocol.clock import http_date, server_now

    then = http_date(value)
    return None if then is None else bounded_seconds(then - server_now(headers))


def bounded_seconds(value: object) -> float | None:
    """A number of seconds to wait out of an answer, or None where it is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN and negative numbers fail this comparison; an integer may be too large for a float.
    if not value >= 0 or value == float("inf"):
        return None
    return float(min(value, MAX_RETRY_AFTER))
