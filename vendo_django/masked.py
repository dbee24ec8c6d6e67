"""A text that holds a credential: ordinary for code, masked wherever a person may see it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, SupportsIndex

from django.utils.safestring import SafeString

#: What Django's own debug page prints in the place of a secret.
MASK = "*" * 20

_ATTRIBUTES = frozenset({"slug", "expires"})


def _is_for_template() -> bool:
    """True where Django's templates called what calls this."""
    caller: str = sys._getframe(2).f_globals.get("__name__") or ""
    return caller.startswith("django.template")


# A text of a template is a SafeString, and only a subclass of its own kind is asked before it what
# the two of them make together. Nothing else comes of it: what is printed is never the credential.
class MaskedStr(SafeString):
    """A `str` whose `repr` is masked, and which a template prints masked.

    It encodes, compares, formats, pickles and goes into headers, JSON, `os.environ` and HMAC as the
    credential itself. What is concatenated with it or cut out of it is masked too, and so is what
    `strip`, `lower` and their like return. `str(value)` is the plain text.

    Attributes:
        slug: the provider whose credential this is, or empty.
        expires: True for a credential that Vendo replaces after a while, so that a value which is
            kept for the life of a process goes stale.
    """

    __slots__ = ("expires", "slug")

    slug: str
    expires: bool

    def __new__(cls, text: str = "", *, slug: str = "", expires: bool = False) -> MaskedStr:
        """`text` is the credential."""
        value = super().__new__(cls, text)
        value.slug = slug
        value.expires = expires
        return value

    def __repr__(self) -> str:
        return repr(MASK if self else "")

    def __str__(self) -> str:
        # Django's templates call str() where nothing is escaped, and in every filter for texts.
        # Database drivers and smtplib do the same and need the credential: only the caller tells.
        return MASK if self and _is_for_template() else str.__str__(self)

    def __getattribute__(self, name: str) -> Any:
        # A template may call any method, such as `encode` or `split`.
        if name not in _ATTRIBUTES and not name.startswith("__") and self and _is_for_template():
            return getattr(MASK, name)
        return super().__getattribute__(name)

    def __iter__(self) -> Iterator[str]:
        return iter(MASK) if self and _is_for_template() else super().__iter__()

    def __getitem__(self, key: SupportsIndex | slice) -> MaskedStr:
        return self._like(super().__getitem__(key))

    def lower(self) -> MaskedStr:
        """As `str.lower`; the result is masked too."""
        return self._like(super().lower())

    def lstrip(self, chars: str | None = None, /) -> MaskedStr:
        """As `str.lstrip`; the result is masked too."""
        return self._like(super().lstrip(chars))

    def removeprefix(self, prefix: str, /) -> MaskedStr:
        """As `str.removeprefix`; the result is masked too."""
        return self._like(super().removeprefix(prefix))

    def removesuffix(self, suffix: str, /) -> MaskedStr:
        """As `str.removesuffix`; the result is masked too."""
        return self._like(super().removesuffix(suffix))

    def replace(self, old: str, new: str, /, count: SupportsIndex = -1) -> MaskedStr:
        """As `str.replace`; the result is masked too."""
        return self._like(super().replace(old, new, count))

    def rstrip(self, chars: str | None = None, /) -> MaskedStr:
        """As `str.rstrip`; the result is masked too."""
        return self._like(super().rstrip(chars))

    def strip(self, chars: str | None = None, /) -> MaskedStr:
        """As `str.strip`; the result is masked too."""
        return self._like(super().strip(chars))

    def upper(self) -> MaskedStr:
        """As `str.upper`; the result is masked too."""
        return self._like(super().upper())

    def __html__(self) -> str:  # type: ignore[override]  # it is the mask that is safe
        """What an escaping template prints, Django's and Jinja's alike."""
        return MASK if self else ""

    def __format__(self, spec: str) -> str:
        return format(str.__str__(self), spec)

    def __add__(self, other: str) -> MaskedStr:
        return self._like(str.__add__(self, other))

    def __radd__(self, other: object) -> MaskedStr:
        if not isinstance(other, str):
            return NotImplemented
        return self._like(str.__add__(other, str.__str__(self)))

    def _like(self, text: str) -> MaskedStr:
        return MaskedStr(text, slug=self.slug, expires=self.expires)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # A test runner that spawns its workers hands them the settings of the databases.
        return _restore, (str.__str__(self), self.slug, self.expires)

    def __copy__(self) -> MaskedStr:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> MaskedStr:
        return self


def _restore(text: str, slug: str, expires: bool) -> MaskedStr:
    return MaskedStr(text, slug=slug, expires=expires)
