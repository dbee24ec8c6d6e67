"""The handlers of `on_change=`."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from vendo.errors import invalid
from vendo.reconciler._change import Change
from vendo.reconciler._reload_hook import checked_url, post_change

#: It is called with each change. After an exception it is called again with the next update.
Handler: TypeAlias = Callable[[Change], object]


def handler_for(on_change: object, reload_url: str | None) -> Handler:
    """Return the handler for `on_change=` and `reload_url=`.

    Raises:
        ValidationError: one of them is malformed.
    """
    if on_change == "reload-hook":
        return partial(post_change, checked_url(reload_url))
    if reload_url is not None:
        raise invalid(
            "reload_url= is not used without on_change='reload-hook'.",
            fix="Add on_change='reload-hook', or remove reload_url=.",
        )
    if on_change is None:
        return _ignore
    if on_change == "restart":
        return terminate_process
    if callable(on_change) and not inspect.iscoroutinefunction(on_change):
        return on_change
    raise invalid(
        "on_change= must be 'restart', 'reload-hook', None, or a function of one argument that is "
        "not a coroutine function.",
        fix="Write on_change='restart', or on_change=print to see the changes.",
    )


def _ignore(_change: Change) -> None:
    return


def terminate_process(_change: Change) -> None:
    """Send SIGTERM to this process, for a supervisor to start it again.

    A program that handles SIGTERM can finish its work. Windows ends the process immediately.
    """
    os.kill(os.getpid(), signal.SIGTERM)
