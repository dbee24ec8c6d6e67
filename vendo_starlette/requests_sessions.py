"""Requests sessions that say so when they hold up an event loop."""

from __future__ import annotations

import asyncio
import sys
import warnings
from typing import TYPE_CHECKING, Any

from requests.auth import AuthBase

from vendo_starlette.blocking import LoopWarning

if TYPE_CHECKING:
    from requests import PreparedRequest, Session


#: Whose frames stand between the caller and the warning.
_BETWEEN = frozenset({"requests", "vendo", "vendo_starlette"})


def watch(session: Session, warning: LoopWarning, slug: str) -> None:
    """Have a session warn, once an application, where a request on it blocks an event loop."""
    session.auth = _OffLoop(session.auth, warning, slug)


class _OffLoop(AuthBase):
    """The session's authentication. It is asked before each request, in the thread that waits."""

    def __init__(self, auth: Any, warning: LoopWarning, slug: str) -> None:
        self._auth = auth
        self._warning = warning
        self._slug = slug

    def __repr__(self) -> str:
        return repr(self._auth)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if not self._warning.is_given and _is_on_loop():
            self._warning.is_given = True
            warnings.warn(
                f"A requests session for {self._slug!r} is used on the thread of an event loop, "
                "and nothing else runs there while it waits. Write the endpoint with def, or use "
                f"vendo_async_session({self._slug!r}) in its place.",
                RuntimeWarning,
                stacklevel=_level_of_caller(),
            )
        authenticated: PreparedRequest = self._auth(request)
        return authenticated

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self._auth,)  # a pickle has no application


def _itself(auth: Any) -> Any:
    return auth


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _level_of_caller() -> int:
    """The `stacklevel` of whoever uses the session, for a warning of the function that asks."""
    level, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN and frame.f_back:
        level, frame = level + 1, frame.f_back
    return level
