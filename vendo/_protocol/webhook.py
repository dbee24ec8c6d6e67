"""A webhook's signature, time and body (wire contract, "Webhooks"), without I/O.

The body is parsed after its signature was verified. Each error names its reason, for the developer
of a receiver. None contains the body or the expected signature.
"""

from __future__ import annotations

import hmac
import json
import math

from vendo._protocol.clock import rfc3339
from vendo._protocol.models import WebhookEvent
from vendo.errors import ValidationError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SIGNATURE_HEADER = "Vendo-Signature"
TIMESTAMP_HEADER = "Vendo-Timestamp"

_HEX_DIGITS = frozenset("0123456789abcdef")


def rejected(problem: str, fix: str | None = None) -> ValidationError:
    """Make the error for a webhook that is not genuine, or malformed."""
    return invalid(f"The webhook is not valid: {problem}.", fix=fix)


def raw_body(body: object) -> bytes:
    """Return the bytes of a body.

    Raises:
        ValidationError: neither bytes nor a text.
    """
    if isinstance(body, bytes):
        return body
    problem = f"its body is of type {type(body).__name__}"
    try:
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, bytearray | memoryview):
            return bytes(body)
    except ValueError:
        problem = "its body was released"
    raise rejected(
        problem,
        "Pass verify() the raw body of the request. A parsed one cannot be verified.",
    )


def sent_at(timestamp: str) -> float:
    """Parse the time of a webhook, in Unix seconds.

    Raises:
        ValidationError: neither whole Unix seconds in ASCII digits nor an RFC 3339 time.
    """
    if timestamp.isascii() and timestamp.isdigit():
        # A longer number is later than any date of Python.
        if len(timestamp) <= 12:
            return int(timestamp)
    else:
        moment = rfc3339(timestamp)
        if moment is not None:
            return moment
    raise rejected(f"its {TIMESTAMP_HEADER} is not Unix seconds or an RFC 3339 time")


def check_age(moment: float, now: float, max_age: float) -> None:
    """Check that a time is at most `max_age` seconds old, or ahead. Whole seconds count.

    Raises:
        ValidationError: it is further away.
    """
    age = math.floor(now) - math.floor(moment)
    if abs(age) > max_age:
        away = f"{abs(age)} s {'old' if age > 0 else 'ahead'}"
        raise rejected(
            f"it is {away}, and at most {max_age:g} s are allowed",
            "Check the clock of this machine, and respond to webhooks before handling them.",
        )


def signing_key(signature: str, timestamp: str, body: bytes, keys: Sequence[bytes]) -> bytes | None:
    """Return the key that made this signature, or None. Each key is tried, in constant time."""
    given = signature.encode("ascii", "replace")
    signed = b"%s.%s" % (timestamp.encode("ascii", "replace"), body)
    found = None
    for key in keys:
        if hmac.compare_digest(hmac.digest(key, signed, "sha256").hex().encode(), given):
            found = key
    return found


def not_signed(signature: str) -> ValidationError:
    """Make the error for a signature that no key made."""
    if len(signature) != 64 or not _HEX_DIGITS.issuperset(signature):
        return rejected(f"its {SIGNATURE_HEADER} is not 64 lower-case hexadecimal digits")
    return rejected(
        "its signature does not match",
        "Check that the secret is the one of this endpoint, and that the body is the raw one: no "
        "parser or proxy may change it.",
    )


def event_of(body: bytes) -> WebhookEvent:
    """Parse the event of a verified body. Unknown fields are ignored.

    Raises:
        ValidationError: not the JSON of an event.
    """
    fields = _json(body)
    if not isinstance(fields, dict):
        raise _not_an_event("is not a JSON object in UTF-8")
    event_id, kind = _text(fields, "id"), _text(fields, "type")
    at, data = fields.get("occurred_at"), fields.get("data")
    if at is not None and not isinstance(at, str):
        raise _not_an_event("has an occurred_at that is not a text")
    if data is None:
        data = {}
    elif not isinstance(data, dict):
        raise _not_an_event("has a data that is not an object")
    return WebhookEvent(event_id, kind, at, data)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _not_an_event(f"has no {name}")
    return value


def _json(body: bytes) -> Any:
    # Not `json.loads(body)`: it would take other encodings than UTF-8 too.
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        return None  # the decoder's error would contain the whole body


def _not_an_event(problem: str) -> ValidationError:
    return rejected(f"its signature is good, but its body {problem}")
