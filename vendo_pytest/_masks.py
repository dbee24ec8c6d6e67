"""Replace tokens in texts, and in the values that reports consist of."""

from __future__ import annotations

import copy
import json
import re
from typing import Any
from urllib.parse import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Shorter tokens occur in unrelated texts.
_SHORTEST = 4
_SHORTEST_PART = 6
#: Where pytest and `reprlib` cut the middle of a value.
_CUT = "..."
_MASK = re.compile(r"\[token of ([a-z0-9_-]+)\]")
#: Literals of bytes, one below the other, as `pprint` cuts a long one. A diff may mark the lines.
_LITERAL = r"""b(?:'[^'\n]*'|"[^"\n]*")"""
_LITERALS = re.compile(rf"""{_LITERAL}(?:(?:[^'"\n]*\n)+[^'"\n]*?{_LITERAL})+""")
#: A mask is one character of this plane meanwhile: no token may be found in it.
_FIRST_MARK = 0x100000


class Masks:
    """The masks of some tokens.

    Args:
        tokens: pairs of a slug and a token.
    """

    def __init__(self, tokens: Iterable[tuple[str, str]]) -> None:
        forms = {
            (slug, form)
            for slug, token in tokens
            if len(token) >= _SHORTEST
            for form in _forms(token)
        }
        self._forms = sorted(forms, key=lambda pair: (-len(pair[1]), pair))

    def slugs_in(self, text: str) -> list[str]:
        """Return the slugs of the tokens in a text."""
        text = _MASK.sub("", text)
        return sorted({slug for slug, form in self._forms if form in text})

    def text(self, text: str) -> str:
        """Return a text with a mask in place of each token, and of each part of one at a cut."""
        slugs: dict[str, str] = {}

        def mark(slug: str) -> str:
            return slugs.setdefault(slug, chr(_FIRST_MARK + len(slugs)))

        text = _MASK.sub(lambda found: mark(found[1]), text)  # of an earlier pass
        for slug, form in self._forms:
            if form in text:
                text = text.replace(form, mark(slug))
        if self._forms and _LITERALS.search(text):
            text = _LITERALS.sub(lambda found: self._joined(found[0], mark), text)
        if _CUT in text:
            text = self._without_parts(text, mark)
        for slug, character in slugs.items():
            text = text.replace(character, f"[token of {slug}]")
        return text

    def value(self, value: Any) -> Any:
        """Return a copy of a value with masked texts.

        Containers, and what pytest prints an error from, are copied. Other objects are returned
        unchanged.
        """
        return self._copy(value, {})

    def _copy(self, value: Any, done: dict[int, Any]) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if type(value) is list and value and all(isinstance(part, str) for part in value):
            lines = "\n".join(value)  # a value may go over several lines of an error
            if _LITERALS.search(lines):
                return self.text(lines).split("\n")
        if type(value) in {list, tuple, set}:
            return type(value)(self._copy(part, done) for part in value)
        if type(value) is dict:
            return {self._copy(k, done): self._copy(v, done) for k, v in value.items()}
        if not hasattr(value, "toterminal") or not hasattr(value, "__dict__"):
            return value
        if id(value) not in done:  # a crash is the error's and its traceback's
            done[id(value)] = made = copy.copy(value)
            for name, part in vars(value).items():
                vars(made)[name] = self._copy(part, done)  # it may be frozen
        return done[id(value)]

    def _joined(self, literals: str, mark: Callable[[str], str]) -> str:
        """Return literals of bytes unchanged, or as one if a token goes over a line's end."""
        joined = "".join(part[2:-1] for part in re.findall(_LITERAL, literals))
        slugs = [slug for slug, form in self._forms if form in joined]
        return f"b'{mark(slugs[0])}'" if slugs else literals

    def _without_parts(self, text: str, mark: Callable[[str], str]) -> str:
        pieces = text.split(_CUT)
        for slug, form in self._forms:
            for i in range(len(pieces) - 1):
                left, right = pieces[i : i + 2]
                head, tail = _common(left, form), _common(right[::-1], form[::-1])
                if head:
                    pieces[i] = left[:-head] + mark(slug)
                if tail:
                    pieces[i + 1] = mark(slug) + right[tail:]
        return _CUT.join(pieces)


def _common(text: str, form: str) -> int:
    """Return how many characters a form begins with that a text ends with, or 0 if they are few."""
    end = text[-len(form) :]
    if form[:_SHORTEST_PART] not in end:  # almost always
        return 0
    lengths = range(len(form) - 1, _SHORTEST_PART - 1, -1)
    return next((n for n in lengths if end.endswith(form[:n])), 0)


def _forms(token: str) -> set[str]:
    """Return a token as it is, and as it is in URLs, reprs, patterns and JSON."""
    forms = {token, quote(token), quote(token, safe=""), json.dumps(token)[1:-1], re.escape(token)}
    return forms | {str.__repr__(form)[1:-1] for form in forms}
