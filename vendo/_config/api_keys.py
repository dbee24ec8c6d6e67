"""API keys, as they are given: checked, and one that stands for none."""

from __future__ import annotations

from vendo.errors import AuthError

#: Given as a key, it stands for "no account": OSS mode, and never sent anywhere.
PLACEHOLDER_KEY = "byok"


def checked_key(key: object, name: str) -> str | None:
    """An API key without surrounding white space; None for none, a blank one and the placeholder.

    Raises:
        AuthError: a character inside that no key has. The text names where it came from alone.
    """
    if key is None:
        return None
    if not isinstance(key, str):
        problem = f"is of type {type(key).__name__}, and a key is text"
    else:
        key = key.strip()
        if not key or key == PLACEHOLDER_KEY:
            return None
        if key.isascii() and key.isprintable() and " " not in key:
            return key
        problem = "has white space, a line break or a character outside ASCII inside"
    del key  # debug pages show the variables of the frames of an error
    raise AuthError(
        "app_unknown",
        f"The API key in {name} {problem}.",
        suggested_fix=f"Set {name} to the key alone: vendo_sk_ followed by 32 characters.",
    )
