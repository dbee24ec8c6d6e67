"""API keys: checks, and the placeholder for none."""

from __future__ import annotations

from vendo._config.environment import API_KEY
from vendo._protocol.secret import Secret
from vendo.errors import AuthError

#: As an API key it selects OSS mode. It is never sent.
PLACEHOLDER_KEY = "byok"


def environment_key() -> Secret | None:
    """Return the API key of the environment, from `VENDO_API_KEY` or the file that holds it.

    Raises:
        AuthError: as for `checked_key`.
        ValidationError: the file cannot be read, or holds more than one line of text.
    """
    source = API_KEY.source()
    if source is API_KEY:
        return checked_key(API_KEY.text(), API_KEY.name)
    return checked_key(API_KEY.text(), f"the file of {source.name}", fix="Write into the file")


def checked_key(key: object, name: str, *, fix: str | None = None) -> Secret | None:
    """Check an API key.

    Args:
        key: what was given, whatever it is.
        name: where it was given, for the error text: `api_key=`, a variable or its file.
        fix: how the fix begins; by default `Set NAME to`.

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
        suggested_fix=f"{fix or f'Set {name} to'} the key alone: vendo_sk_ followed by 32 "
        "characters.",
    )
