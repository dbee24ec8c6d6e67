"""What services are called: slugs, checked, with the variables that may hold their credentials."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._config import environment
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.environment import Variable

_SLUG_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_MOST_NAMES = 2_000


class Name:
    """A slug that was checked, with the variables that may hold its credential."""

    __slots__ = ("override", "slug", "variables")

    def __init__(self, slug: str) -> None:
        provider = catalog.provider(slug)
        self.slug = slug
        self.override: Variable = environment.override_variable(slug)
        self.variables: tuple[Variable, ...] = tuple(
            environment.Variable(name) for name in (provider.variables if provider else ())
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
        nearest = catalog.nearest(lower[:80])
    else:
        shown, nearest = f"of type {type(slug).__name__}", None
    raise ValidationError(
        "validation_failed",
        f"A slug is lower-case letters, digits, - and _, such as 'openai'; this one is {shown}.",
        suggested_fix=f"Did you mean {nearest!r}?" if nearest else None,
    )
