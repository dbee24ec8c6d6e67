"""Texts of an error of a package that is given the token itself."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from support.shown import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def error_texts(error: BaseException) -> Iterator[str]:
    """Return what shows an error and its chain. The variables of an SDK's frames are its own."""
    yield "".join(traceback.format_exception(error))
    for link in chain_of(error):
        yield f"{link!r} {link} {link.args!r} {link.__dict__!r}"
