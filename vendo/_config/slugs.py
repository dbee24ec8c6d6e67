"""Slugs: checks, and the variables that may contain a slug's credential."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._config import environment
from vendo.errors import ValidationError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.environment import CredentialVariable

_SLUG_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_MOST_NAMES = 2_000


class Name:
    """A checked slug, with the variables that may contain its credential."""

    __slots__ = ("override", "slug", "variables")

    def __init__(self, slug: str) -> None:
        provider = catalog.provider(slug)
        self.slug = slug
        self.override: CredentialVariable = environment.override_variable(slug)
        self.variables: tuple[CredentialVariable, ...] = tuple(
            map(environment.CredentialVariable, provider.variables if provider else ())
        )


_names: dict[str, Name] = {}


def name_of(slug: str) -> Name:
    """Check a slug, in upper or lower case, and return its name.

    Raises:
        ValidationError: as for `checked_slug`.
    """
    try:
        return _names[slug]
    except (KeyError, TypeError):
        pass  # outside of it, so that an invalid slug is the only error that a traceback shows
    name = Name(checked_slug(slug))
    if len(_names) >= _MOST_NAMES:
        _names.clear()  # slugs may come from requests; the table must not grow with them
    _names[slug] = name
    return name


def checked_slug(slug: object) -> str:
    """Check a slug, and return it in lower case.

    Args:
        slug: the slug of a provider, which need not be in the catalog.

    Returns:
        The slug in lower case.

    Raises:
        ValidationError: not a text of the form `[a-z0-9][a-z0-9_-]*` in lower case.

    Example:
        ```python
        from vendo.web import checked_slug

        print(checked_slug("OpenAI"))  # openai
        ```
    """
    if isinstance(slug, str):
        lower = slug.lower()
        # `isascii`: some letters of other scripts become ASCII in lower case.
        if lower and slug.isascii() and lower[0] not in "_-" and _SLUG_CHARACTERS.issuperset(lower):
            return lower
        shown = repr(slug if len(slug) <= 40 else slug[:40] + "…")
        fix = catalog.did_you_mean(lower[:80])
    else:
        shown, fix = f"a value of type {type(slug).__name__}", None
    raise invalid(
        f"A slug is made of ASCII letters, digits, - and _, such as 'openai', and {shown} is not.",
        fix=fix or "Run python -m vendo catalog. It lists the slugs.",
    )


def is_slug(slug: object) -> bool:
    """Return whether something is a slug, in upper or lower case.

    Args:
        slug: any value.

    Returns:
        True for what `checked_slug` accepts.

    Example:
        ```python
        from vendo.web import is_slug

        print(is_slug("openai"), is_slug("open ai"))  # True False
        ```
    """
    try:
        checked_slug(slug)
    except ValidationError:
        return False
    return True
