"""Frames of other libraries that have a written request, with its token, in a variable."""

from __future__ import annotations


def cut_tracebacks(error: BaseException) -> None:
    """Drop the frames so far from an error, and from the errors that it is made of.

    `http.client`, `ssl` and aiohttp write all headers of a request as bytes, in plain text.
    """
    errors: list[object] = [error]
    while errors:
        one = errors.pop()
        if isinstance(one, BaseException) and (one.__traceback__ is not None or one is error):
            one.__traceback__ = None
            errors += [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]
