"""Frames that have a written request, with its token or the API key, in a variable.

HTTP libraries write the headers as bytes, in plain text. A session cuts their frames from an error,
and a call to Vendo also those of this library, which have responses. The frames of the caller's own
code stay, such as a hook or a signal handler, and those of an error that was already being handled.
"""

from __future__ import annotations

from types import TracebackType

from vendo._protocol.secret import MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

#: The libraries under a session, and what they are made of.
_LIBRARIES = frozenset(
    {
        *("aiohttp", "anyio", "asyncio", "h11", "h2", "hpack", "http", "httpcore", "httpcore2"),
        *("httpx", "httpx2", "requests", "socket", "ssl", "trio", "urllib3", "uvloop"),
    }
)


def cut_tracebacks(error: BaseException, handled: BaseException | None, *also: str) -> None:
    """Drop the frames of libraries from an error, and from the errors that it is made of.

    An error of a library, and what interrupts it, such as a cancellation, lose all frames so far: a
    tool that wraps a library may have the request too.

    Args:
        error: the error of a request.
        handled: the exception that was being handled when the request began, or None.
        also: further packages whose frames are dropped.
    """
    errors: list[object] = [error]
    seen: list[object] = [handled]
    while errors:
        one = errors.pop()
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            seen.append(one)
            one.__traceback__ = None if _is_of_library(one) else _others(one.__traceback__, also)
            if isinstance(one, UnicodeEncodeError) and "\r\n" in one.object:
                _mask(one)
            errors += [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]


def _is_of_library(error: BaseException) -> bool:
    module = type(error).__module__.partition(".")[0]
    return module in _LIBRARIES or isinstance(error, OSError) or not isinstance(error, Exception)


def _others(frames: TracebackType | None, also: Collection[str]) -> TracebackType | None:
    """Return a traceback without the frames of the libraries and of further packages."""
    kept = []
    while frames is not None:
        module = str(frames.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if module not in _LIBRARIES and module not in also:
            kept.append(frames)
        frames = frames.tb_next
    result: TracebackType | None = None
    for one in reversed(kept):
        result = TracebackType(result, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return result


def _mask(error: UnicodeEncodeError) -> None:
    """Mask the text that could not be encoded: all headers of a request."""
    error.object, error.start, error.end = MASK, 0, 1
    error.args = (error.encoding, MASK, 0, 1, error.reason)
