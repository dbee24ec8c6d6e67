"""A webhook's signature, time and body (wire contract, "Webhooks"), without I/O.

Nothing of the body is parsed before its signature is known to be good. Each failure is told apart
in words for whoever sets a receiver up; none of them repeats the body or what the signature
should have been.
"""

from __future__ import annotations

import hmac
import json
import math

from vendo._protocol.clock import rfc3339
from vendo._protocol.models import WebhookEvent
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SIGNATURE_HEADER = "Vendo-Signature"
TIMESTAMP_HEADER = "Vendo-Timestamp"

_HEX_DIGITS = frozenset("0123456789abcdef")


def refusal(problem: str, fix: str | None = None) -> ValidationError:
    """The error for a webhook that is not to be believed."""
    return ValidationError(
        "validation_failed", f"The webhook was refused: {problem}.", suggested_fix=fix
    )


def raw_body(body: object) -> bytes:
    """The body as it came over the wire.

    Raises:
        ValidationError: it is no bytes and no text.
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
        problem = "its body has no bytes any more"
    raise refusal(
        problem,
        "Give verify() the request's raw body: a parsed one cannot be verified.",
    )


def sent_at(timestamp: str) -> float:
    """The time that a webhook carries, in Unix seconds.

    Raises:
        ValidationError: neither whole Unix seconds in ASCII digits nor an RFC 3339 time.
    """
    if timestamp.isascii() and timestamp.isdigit():
        # As many digits as there are years in which Python can count.
        if len(timestamp) <= 12:
            return int(timestamp)
    else:
        moment = rfc3339(timestamp)
        if moment is not None:
            return moment
    raise refusal(f"its {TIMESTAMP_HEADER} is neither Unix seconds nor an RFC 3339 time")


def check_age(moment: float, now: float, max_age: float) -> None:
    """Refuse what is more than `max_age` seconds old, or so far ahead. Whole seconds count.

    Raises:
        ValidationError: it is.
    """
    age = math.floor(now) - math.floor(moment)
    if abs(age) > max_age:
        away = f"{abs(age)} s {'old' if age > 0 else 'ahead'}"
        raise refusal(
            f"it is {away}, and {max_age:g} s are allowed",
            "Check the clock of this machine; and answer webhooks before working on them.",
        )


def is_signed(signature: str, timestamp: str, body: bytes, keys: Sequence[bytes]) -> bool:
    """Whether one of the keys made this signature. Each is tried, and takes as long as any other.

    It raises nothing: a traceback's frames are shown on debug pages, and this one knows the keys.
    """
    given = signature.encode("ascii", "replace")
    signed = b"%s.%s" % (timestamp.encode("ascii", "replace"), body)
    good = False
    for key in keys:
        good |= hmac.compare_digest(hmac.digest(key, signed, "sha256").hex().encode(), given)
    return good


def not_signed(signature: str) -> ValidationError:
    """The error for a signature that no key made."""
    if len(signature) != 64 or not _HEX_DIGITS.issuperset(signature):
        return refusal(f"its {SIGNATURE_HEADER} is not 64 lower-case hexadecimal digits")
    return refusal(
        "its signature does not match",
        "Check that the secret is this endpoint's, and that the body is the raw one, unchanged by "
        "any parser or proxy.",
    )


def event_of(body: bytes) -> WebhookEvent:
    """The event of a body whose signature is good. Fields that it has besides are ignored.

    Raises:
        ValidationError: it is not an event's JSON.
    """
    fields = _json(body)
    if not isinstance(fields, dict):
        raise _no_event("is no JSON object in UTF-8")
    event_id, kind = _text(fields, "id"), _text(fields, "type")
    at, data = fields.get("occurred_at"), fields.get("data")
    if at is not None and not isinstance(at, str):
        raise _no_event("has an occurred_at that is no text")
    if data is None:
        data = {}
    elif not isinstance(data, dict):
        raise _no_event("has a data that is no object")
    return WebhookEvent(event_id, kind, at, data)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _no_event(f"has no {name}")
    return value


def _json(body: bytes) -> Any:
    # Not `json.loads(body)`: it would take other encodings than UTF-8 too.
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        return None  # told by the caller: this error would carry the whole body along


def _no_event(problem: str) -> ValidationError:
    return refusal(f"its signature is good, and its body {problem}")
