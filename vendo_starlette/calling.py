"""Calling what an application hands in, which may be a coroutine function or not."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from starlette.concurrency import run_in_threadpool


async def called(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function returns, called in a thread where it would block the loop."""
    if iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004  # an object's own method is what may be asynchronous
        result = function(*arguments)
    else:
        result = await run_in_threadpool(function, *arguments)
    return await result if isawaitable(result) else result
