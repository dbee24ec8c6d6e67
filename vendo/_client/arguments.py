"""Checks of what a caller passes to a client."""

from __future__ import annotations

from vendo._config.slugs import name_of
from vendo._protocol.secret import Secret
from vendo.errors import IdentityNotPresent, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def checked_token(token: object, slug: str) -> Secret:
    """Check `token=` of `invalidate()`.

    Raises:
        ValidationError: not a str.
    """
    if isinstance(token, Secret):
        return token
    raise invalid(
        f"token= must be a str, not a value of type {type(token).__name__}.",
        slug=name_of(slug).slug,
        fix="Pass the token that the provider rejected, or leave it out to drop any.",
    )


def checked_jwt(jwt: object) -> Secret:
    """Check the argument of `for_user()`.

    Raises:
        IdentityNotPresent: not a str, or blank.
        ValidationError: it contains white space or control characters.
    """
    from vendo._protocol.headers import JWT_HEADER

    if not isinstance(jwt, Secret) or not jwt.strip():
        raise IdentityNotPresent(
            "identity_not_present",
            "The user's JWT is missing or blank.",
            suggested_fix=f"Pass for_user() the {JWT_HEADER} header of a signed-in request.",
        )
    jwt = Secret(jwt.strip())
    if not jwt.isascii() or not jwt.isprintable() or " " in jwt:
        raise invalid(
            "The user's JWT contains white space, or another character that no JWT contains.",
            fix=f"Pass for_user() the {JWT_HEADER} header unchanged.",
        )
    return jwt


def checked_slugs(slugs: Iterable[str], method: str = "tokens") -> list[str]:
    """Check the argument of `tokens()` or `check()`.

    Raises:
        ValidationError: a single text, whose letters would be taken for slugs, or a value that
            cannot be iterated over.
    """
    if isinstance(slugs, str):
        raise invalid(
            f"{method}() takes a list of slugs, not one string.",
            fix=f"Write {method}([{slugs[:40]!r}]).",
        )
    try:
        return list(slugs)
    except TypeError:
        raise invalid(
            f"{method}() takes a list of slugs, not a value of type {type(slugs).__name__}.",
            fix=f"Write {method}(['openai', 'slack']).",
        ) from None
