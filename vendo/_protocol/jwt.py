"""The `exp` of a user's JWT, which Vendo checks and this library only reads."""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.secret import Secret


def expiry_of(jwt: Secret) -> float | None:
    """Return when a JWT expires, in Unix seconds; None if it does not say.

    The JWT may be any text: Vendo rejects one that is malformed. Some issuers write the number as
    a text.
    """
    payload = jwt.reveal().split(".")[1:2]
    try:
        claim = json.loads(urlsafe_b64decode(f"{payload[0]}==="))["exp"]
        expiry = float(claim)
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return expiry if math.isfinite(expiry) and not isinstance(claim, bool) else None
