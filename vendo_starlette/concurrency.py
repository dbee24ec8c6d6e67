"""Call a function of the application, which may be a coroutine function or not."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from starlette.concurrency import run_in_threadpool


async def call(function: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function returns. It runs in a thread where it would block the loop."""
    if iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004  # the method of an object may be a coroutine function
        result = function(*arguments)
    else:
        result = await run_in_threadpool(function, *arguments)
    return await result if isawaitable(result) else result
