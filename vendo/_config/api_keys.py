"""API keys: checks, and the placeholder for none."""

from __future__ import annotations

from vendo._protocol.secret import Secret
from vendo.errors import AuthError

#: As an API key it selects OSS mode. It is never sent.
PLACEHOLDER_KEY = "byok"


def checked_key(key: object, name: str) -> Secret | None:
    """Check an API key.

    Args:
        key: what was given, whatever it is.
        name: where it was given, for the error text: `api_key=` or a variable.

    Returns:
        The key without surrounding white space; None if it is None, blank or the placeholder.

    Raises:
        AuthError: not a text, or a character inside that no key has.
    """
    if key is None:
        return None
    if isinstance(key, str):
        key = Secret(key.strip())
        if not key or key == PLACEHOLDER_KEY:
            return None
        if key.isascii() and key.isprintable() and " " not in key:
            return key
        problem = "contains white space, a line break or a character outside ASCII"
    else:
        problem = f"is of type {type(key).__name__}, not a str"
        key = None
    raise AuthError(
        "app_unknown",
        f"The API key in {name} {problem}.",
        suggested_fix=f"Set {name} to the key alone: vendo_sk_ followed by 32 characters.",
    )
