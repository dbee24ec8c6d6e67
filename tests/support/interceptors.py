"""An interceptor that raises once a token was found, and the frames of its error."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_TESTS = Path(__file__).parents[1]


class FailingInterceptor:
    """Allow every look-up, and raise the given error for every token that is found."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self._seen: dict[str, str] = {}

    def before_lookup(self, slug: str) -> None:
        """Allow it."""

    def handed_out(self, slug: str, token: str) -> None:
        try:
            self._seen[slug]
        except KeyError as missing:
            raise self._error from missing


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """Return the frames of an error, its cause and its context, without the tests' own."""
    for one in filter(None, (error, error.__cause__, error.__context__)):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if (
                not Path(frame.f_code.co_filename).is_relative_to(_TESTS)
                or frame.f_code.co_name == "handed_out"
            ):
                yield frame
