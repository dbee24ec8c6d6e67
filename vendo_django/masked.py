"""`MaskedStr`: a credential that code can use, and that pages and templates show masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, SupportsIndex

from django.utils.safestring import SafeString

from vendo.web import Secret, calling_module

#: What Django's own debug page prints in the place of a secret.
MASK = "*" * 20

_ATTRIBUTES = frozenset({"slug", "expires", "is_part"})


def _is_for_template() -> bool:
    """Return True where Django's templates called the method that calls this."""
    return calling_module(3).startswith("django.template")


# A text in a template is a SafeString. In `SafeString + MaskedStr` Python calls `__radd__` first
# only because MaskedStr is a subclass of SafeString.
class MaskedStr(Secret, SafeString):
    """Mask a credential in its `repr` and in templates, while code uses it as a `str`.

    It encodes, compares, formats, pickles and goes into headers, JSON, `os.environ` and HMAC as the
    credential itself. What is concatenated with it or cut out of it is masked too, and so is what
    `strip`, `lower` and the like return. `str(value)` is the plain text. `token` makes it; pass it
    a text, and by name the attributes `slug` and `expires`, to make one of your own.

    Attributes:
        slug: the provider of the credential, or empty.
        expires: True for a credential that Vendo replaces after a while. A value that is kept for
            the life of a process goes stale.
        is_part: True for what was made out of a credential, and is not all of it and that alone.

    Example:
        ```python
        from vendo_django import MaskedStr

        key = MaskedStr("sk-1234")
        print([key], f"Bearer {key}")  # ['********************'] Bearer sk-1234
        ```
    """

    __slots__ = ("expires", "is_part", "slug")

    slug: str
    expires: bool
    is_part: bool

    def __new__(cls, text: str = "", *, slug: str = "", expires: bool = False) -> MaskedStr:
        """`text` is the credential."""
        value = super().__new__(cls, text if isinstance(text, str) else str(text))
        value.slug = slug
        value.expires = expires
        value.is_part = False
        return value

    def __repr__(self) -> str:
        return repr(MASK if self else "")

    def __str__(self) -> str:
        # Templates call str() where nothing is escaped, and in filters. Database drivers and
        # smtplib call it too and need the credential: only the caller makes the difference.
        return MASK if self and _is_for_template() else str.__str__(self)

    def __format__(self, spec: str) -> str:
        return format(str.__str__(self), spec)

    def __getattribute__(self, name: str) -> Any:
        # A template may call any method, such as `encode` or `split`.
        if name not in _ATTRIBUTES and not name.startswith("__") and self and _is_for_template():
            return MASK if name == "reveal" else getattr(MASK, name)
        return super().__getattribute__(name)

    def __iter__(self) -> Iterator[str]:
        return iter(MASK) if self and _is_for_template() else super().__iter__()

    def __html__(self) -> str:  # type: ignore[override]  # it is the mask that is safe
        """Return what an escaping template prints, Django's and Jinja's alike."""
        return MASK if self else ""

    def __getitem__(self, key: SupportsIndex | slice) -> MaskedStr:
        return self._like(str.__getitem__(self, key))

    def __add__(self, other: str) -> MaskedStr:
        return self._like(str.__add__(self, other))

    def __radd__(self, other: object) -> MaskedStr:
        if not isinstance(other, str):
            return NotImplemented
        return self._like(str.__add__(other, str.__str__(self)))

    def lower(self) -> MaskedStr:
        """Do as `str.lower`; the result is masked too."""
        return self._like(str.lower(self))

    def lstrip(self, chars: str | None = None, /) -> MaskedStr:
        """Do as `str.lstrip`; the result is masked too."""
        return self._like(str.lstrip(self, chars))

    def removeprefix(self, prefix: str, /) -> MaskedStr:
        """Do as `str.removeprefix`; the result is masked too."""
        return self._like(str.removeprefix(self, prefix))

    def removesuffix(self, suffix: str, /) -> MaskedStr:
        """Do as `str.removesuffix`; the result is masked too."""
        return self._like(str.removesuffix(self, suffix))

    def replace(self, old: str, new: str, /, count: SupportsIndex = -1) -> MaskedStr:
        """Do as `str.replace`; the result is masked too."""
        return self._like(str.replace(self, old, new, count))

    def rstrip(self, chars: str | None = None, /) -> MaskedStr:
        """Do as `str.rstrip`; the result is masked too."""
        return self._like(str.rstrip(self, chars))

    def strip(self, chars: str | None = None, /) -> MaskedStr:
        """Do as `str.strip`; the result is masked too."""
        return self._like(str.strip(self, chars))

    def upper(self) -> MaskedStr:
        """Do as `str.upper`; the result is masked too."""
        return self._like(str.upper(self))

    def _like(self, text: str) -> MaskedStr:
        made = MaskedStr(text, slug=self.slug, expires=self.expires)
        made.is_part = self.is_part or text != self
        return made

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        # A test runner that spawns its workers pickles the settings of the databases.
        return _restore, (str.__str__(self), self.slug, self.expires, self.is_part)


def _restore(text: str, slug: str, expires: bool, is_part: bool) -> MaskedStr:
    value = MaskedStr(text, slug=slug, expires=expires)
    value.is_part = is_part
    return value
