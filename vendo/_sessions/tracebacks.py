"""Frames of HTTP libraries that have a written request, with its token, in a variable.

They write the headers as bytes, in plain text. A session cuts these frames from an error of its
library, and from what interrupts a request, such as a cancellation. It keeps those of an error that
its caller was already handling.
"""

from __future__ import annotations


def is_interrupt(error: BaseException) -> bool:
    """Return whether an exception comes from outside: a cancellation, a signal, a time limit."""
    return not isinstance(error, Exception)


def cut_tracebacks(error: BaseException, handled: BaseException | None) -> None:
    """Drop the frames so far from an error, and from the errors that it is made of.

    Args:
        error: the error of a request.
        handled: the exception that was being handled when the request began, or None.
    """
    errors: list[object] = [error]
    seen: list[object] = [handled]
    while errors:
        one = errors.pop()
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            seen.append(one)
            one.__traceback__ = None
            errors += [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]
