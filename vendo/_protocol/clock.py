"""Times in responses: HTTP dates, RFC 3339, and the server's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@lru_cache(maxsize=8)  # all responses of one second have the same text
def http_date(value: str) -> float | None:
    """Parse an HTTP date as Unix seconds; None if it is malformed."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def rfc3339(value: str) -> float | None:
    """Parse an RFC 3339 time as Unix seconds; None if it is malformed. The default is UTC."""
    if len(value) < len("2026-01-01T00:00:00") or not value.isascii():
        return None
    value = value.upper()  # "t" and "z" are allowed
    if value[16:19] == ":60":  # a leap second, which datetime rejects
        value = f"{value[:16]}:59{value[19:]}"
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def server_now(headers: Mapping[str, str]) -> float:
    """Return the server's time in Unix seconds: its `Date` header, else this machine's clock."""
    date = headers.get("date")
    now = http_date(date) if date else None
    return time.time() if now is None else now
