"""When to try again, and how long to wait before."""

from __future__ import annotations

from vendo.errors import ValidationError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import UnionType

    import vendo._types
else:
    import vendo  # `_types` is imported when an annotation is read

#: The longest wait that a response can ask for, in seconds: a monthly spend cap ends in 31 days.
MAX_RETRY_AFTER = 31 * 86_400.0


class RetryPolicy:
    """Choose how often a call is attempted, and the pauses between the attempts.

    A pause is a random length between half and all of it, to spread the load of a fleet.

    Args:
        attempts: how many times a call is sent at most; 1 means no retry.
        backoff: seconds before the second attempt; each further pause is twice as long.
        max_backoff: the longest pause, in seconds. A `Retry-After` may ask for a longer one.

    Raises:
        ValidationError: less than one attempt, or a pause that is not a number of seconds.

    Example:
        ```python
        import vendo

        with vendo.Vendo(retry=vendo.RetryPolicy(5, max_backoff=30)) as client:
            print(len(client.token("openai")))
        ```
    """

    # Not a dataclass: importing `dataclasses` costs more than `import vendo`.
    __slots__ = ("attempts", "backoff", "max_backoff")

    def __init__(
        self, attempts: int = 3, *, backoff: float = 0.5, max_backoff: float = 10.0
    ) -> None:
        if not _is_number(attempts, int) or attempts < 1:
            raise _malformed("attempts= must be a whole number, 1 or more")
        for name, pause in (("backoff", backoff), ("max_backoff", max_backoff)):
            if not _is_number(pause, int | float) or not 0 <= pause < float("inf"):
                raise _malformed(f"{name}= must be a number of seconds, 0 or more")
        self.attempts: int = attempts
        self.backoff: float = backoff
        self.max_backoff: float = max_backoff

    def __repr__(self) -> str:
        return (
            f"RetryPolicy({self.attempts}, backoff={self.backoff}, max_backoff={self.max_backoff})"
        )

    def __reduce__(self) -> tuple[vendo._types.Any, ...]:
        # The pickle protocols 0 and 1 do not support slots.
        return _restored, (self.attempts, self.backoff, self.max_backoff)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RetryPolicy) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def pause(self, attempt: int) -> float:
        """Return the pause after an attempt that has failed.

        Args:
            attempt: which attempt it was, counted from 1.

        Returns:
            Seconds to wait, different at each call.

        Example:
            ```python
            import vendo

            policy = vendo.RetryPolicy(backoff=1)
            assert 1 <= policy.pause(2) <= 2
            ```
        """
        from random import random

        # A float overflows at 2 ** 1024.
        longest = min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 64))
        return longest * (0.5 + random() / 2)  # noqa: S311  # spreads load, guards nothing


def _restored(attempts: int, backoff: float, max_backoff: float) -> RetryPolicy:
    return RetryPolicy(attempts, backoff=backoff, max_backoff=max_backoff)


def _is_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _malformed(rule: str) -> ValidationError:
    return invalid(
        f"RetryPolicy: {rule}.",
        fix="Write RetryPolicy(3, backoff=0.5, max_backoff=10), which is the default.",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, at most `MAX_RETRY_AFTER`.

    A date is compared with the server's `Date` if there is one. None for a malformed value and for
    a time in the past.
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
    """Check a number of seconds in a response, at most `MAX_RETRY_AFTER`; None if malformed."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN and negative numbers fail this comparison; an integer may be too large for a float.
    if not value >= 0 or value == float("inf"):
        return None
    return float(min(value, MAX_RETRY_AFTER))
