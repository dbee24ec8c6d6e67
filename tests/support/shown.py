"""Collect every text that shows an object: repr, str, tracebacks, pickles."""

from __future__ import annotations

import copy
import os
import pickle
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import vendo

if TYPE_CHECKING:
    from collections.abc import Iterator

_TESTS = str(Path(__file__).parents[1]) + os.sep
_TESTING = str(Path(vendo.__file__).parent / "testing") + os.sep


def texts_of(thing: object) -> Iterator[str]:
    """Return every text of an object; for an error, also those of its chain."""
    yield repr(thing)
    yield str(thing)
    if isinstance(thing, BaseException):
        yield "".join(traceback.format_exception(thing))
        for link in chain_of(thing):
            yield f"{link!r} {link} {link.args!r} {link.__dict__!r}"
            yield from frames_of(link)
            if isinstance(link, vendo.VendoError):
                yield pickle.dumps(link).decode("latin-1")
                yield repr(copy.deepcopy(link).__dict__)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Return the error and its causes and contexts, hidden ones (`raise … from None`) included."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]


def frames_of(error: BaseException, *, but: tuple[str, ...] = ()) -> Iterator[str]:
    """The variables of every frame of a traceback, of whatever library, but those of the tests.

    A test holds the secret itself, and so does the local server, which is a part of it. `but` are
    further modules that are left out.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if not name.startswith((_TESTS, _TESTING)) and frame.f_globals["__name__"] not in but:
            shown = {name: _shown(value) for name, value in frame.f_locals.items()}
            yield f"the frame {frame.f_code.co_qualname}: {shown}"


def _shown(value: object) -> str:
    try:
        return repr(value)[:5000]
    except Exception as problem:  # noqa: BLE001  # any object of any library
        return f"<no repr: {type(problem).__name__}>"
