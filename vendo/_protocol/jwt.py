"""The `exp` of a user's JWT, which Vendo checks and this library only reads."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.secret import Secret


def expiry_of(jwt: Secret) -> list[float]:
    """Return when a JWT expires, in Unix seconds, as a list of one; empty if it does not say.

    The JWT may be any text: Vendo rejects one that is malformed.
    """
    payload = jwt.reveal().split(".")[1:2]
    try:
        claims = json.loads(urlsafe_b64decode(f"{payload[0]}==="))
        expiry = claims["exp"]
        is_number = isinstance(expiry, int | float) and not isinstance(expiry, bool)
        return [float(expiry)] if is_number and expiry == expiry else []  # noqa: PLR0124  # NaN
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return []
