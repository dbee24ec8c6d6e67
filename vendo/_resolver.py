"""The resolution chain: override, then Vendo mode, then the conventional variable.

The way to a token that is in the environment or in the cache is kept short: it is walked at every
request of an application.
"""

from __future__ import annotations

from vendo import _catalog, _environment
from vendo.errors import AuthError, ValidationError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from vendo._environment import Variable

    class Interceptor(Protocol):
        """Watches the chain. A test suite installs one to keep real credentials out."""

        def before_lookup(self, slug: str) -> None:
            """Called when a slug has no `VENDO_TOKEN_<SLUG>`; what it raises ends the look-up."""

        def handed_out(self, slug: str, token: str) -> None:
            """Called with each token that is handed out."""


#: Given as a key, it stands for "no account": OSS mode, and never sent anywhere.
PLACEHOLDER_KEY = "byok"

_SLUG_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_MOST_NAMES = 2_000

interceptor: Interceptor | None = None


def install_interceptor(new: Interceptor | None) -> Interceptor | None:
    """Put an interceptor on the chain, for every client of the process, or take it away.

    Returns the one that was there before.
    """
    global interceptor
    before, interceptor = interceptor, new
    return before


class Name:
    """A slug that was checked, with the variables that may hold its credential."""

    __slots__ = ("override", "slug", "variables")

    def __init__(self, slug: str) -> None:
        provider = _catalog.provider(slug)
        self.slug = slug
        self.override: Variable = _environment.override_variable(slug)
        self.variables: tuple[Variable, ...] = tuple(
            _environment.Variable(name) for name in (provider.variables if provider else ())
        )


_names: dict[str, Name] = {}


def name_of(slug: str) -> Name:
    """The checked name of a slug, in whatever case it was written.

    Raises:
        ValidationError: no text, or not of the form `[a-z0-9][a-z0-9_-]*` in lower case.
    """
    try:
        return _names[slug]
    except (KeyError, TypeError):
        name = Name(checked_slug(slug))
    if len(_names) >= _MOST_NAMES:
        _names.clear()  # slugs may come from requests; the table is not to grow with them
    _names[slug] = name
    return name


def checked_slug(slug: object) -> str:
    """A slug in lower case.

    Raises:
        ValidationError: no text, or not of the form `[a-z0-9][a-z0-9_-]*`.
    """
    if isinstance(slug, str):
        lower = slug.lower()
        # `isascii`: some letters of other scripts become ASCII in lower case.
        if lower and slug.isascii() and lower[0] not in "_-" and _SLUG_CHARACTERS.issuperset(lower):
            return lower
        shown = repr(slug if len(slug) <= 40 else slug[:40] + "…")
        nearest = _catalog.nearest(lower[:80])
    else:
        shown, nearest = f"of type {type(slug).__name__}", None
    raise ValidationError(
        "validation_failed",
        f"A slug is lower-case letters, digits, - and _, such as 'openai'; this one is {shown}.",
        suggested_fix=f"Did you mean {nearest!r}?" if nearest else None,
    )


# An interceptor may raise once it is told of a token, and reports of errors show the variables of
# every frame: those that the error came through are dropped, and whoever lets it pass lets go of
# the token, and of the key where there is one.


def handing_out(name: Name, token: str) -> str:
    """A token, once an interceptor has been told of it."""
    if interceptor is not None:
        refusal = _refusal(name, token)
        if refusal is not None:
            del token
            raise refusal from None
    return token


def override_of(name: Name) -> str | None:
    """What `VENDO_TOKEN_<SLUG>` holds. Without one, an interceptor may end the look-up."""
    token = name.override.get()
    if interceptor is not None:
        if token is None:
            interceptor.before_lookup(name.slug)
        else:
            refusal = _refusal(name, token)
            if refusal is not None:
                del token
                raise refusal from None
    return token


def conventional(name: Name) -> str | None:
    """What the provider's own variables hold, in the catalog's order (OSS mode)."""
    for variable in name.variables:
        token = variable.get()
        if token is not None:
            refusal = None if interceptor is None else _refusal(name, token)
            if refusal is not None:
                del token
                raise refusal from None
            return token
    return None


def _refusal(name: Name, token: str) -> BaseException | None:
    """What the interceptor raises when it is told of a token; None where it lets it pass."""
    try:
        if interceptor is not None:
            interceptor.handed_out(name.slug, token)
    except BaseException as error:  # noqa: BLE001  # `pytest.fail()` raises no `Exception`
        return without_frames(error)
    return None


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
