"""A blocking client for applications. Its sessions warn once when they block an event loop."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

from vendo import Vendo
from vendo.web import optional
from vendo.web._frames import stack_level_outside

#: The packages between the code that uses a session and the warning.
_BETWEEN = frozenset({"requests", "vendo", "vendo_django", "vendo_flask", "vendo_starlette"})


class LoopWarning:
    """Warn of a session that blocks an event loop, once for each application.

    Attributes:
        is_given: True once it was given.

    Args:
        fix: what to write instead, with `{slug!r}` for the provider.

    Example:
        ```python
        from vendo.web import BlockingVendo, LoopWarning

        warning = LoopWarning("Write the view with def, or use an async session of {slug!r}.")
        client = BlockingVendo(warning)
        ```
    """

    __slots__ = ("_fix", "is_given")

    def __init__(self, fix: str) -> None:
        self._fix = fix
        self.is_given: bool = False

    def warn(self, slug: str) -> None:
        """Warn if this thread runs an event loop.

        The warning is a `RuntimeWarning`, and points to the code that uses the session.

        Args:
            slug: the provider of the session.

        Example:
            ```python
            from vendo.web import LoopWarning

            warning = LoopWarning("Use an async session of {slug!r}.")
            warning.warn("gmail")
            print(warning.is_given)  # False: no event loop runs here
            ```
        """
        if self.is_given or not _has_loop():
            return
        self.is_given = True
        warnings.warn(
            f"A requests session for {slug!r} blocks the event loop that runs in this thread. "
            f"Fix: {self._fix.format(slug=slug)}",
            RuntimeWarning,
            stacklevel=stack_level_outside(_BETWEEN),
        )


class BlockingVendo(Vendo):
    """Give views a `Vendo` whose sessions warn where they block an event loop. Both modes.

    `for_user` and `for_request` return one of these too.

    Args:
        warning: the application's warning.
        arguments: the arguments of `Vendo`.

    Raises:
        AuthError, ValidationError: as for `Vendo`.

    Example:
        ```python
        from vendo.web import BlockingVendo, LoopWarning

        client = BlockingVendo(LoopWarning("Write the view with def."), timeout=10)
        print(client.session("gmail").get("/gmail/v1/users/me/profile").status_code)
        ```
    """

    def __init__(self, warning: LoopWarning, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._warning = warning

    def __repr__(self) -> str:
        return super().__repr__().replace(type(self).__name__, Vendo.__name__, 1)

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        return object.__new__, (Vendo,), self.__getstate__()  # a pickle has no application

    def session(self, slug: str, **how: Any) -> optional.requests.Session:
        """Return the client's session, which warns once where it blocks an event loop.

        Args:
            slug: the provider.
            how: the keyword arguments of `Vendo.session`.

        Returns:
            A `requests.Session` that is authenticated.

        Raises:
            MissingExtra, ValidationError: as for `Vendo.session`.

        Example:
            ```python
            from vendo.web import BlockingVendo, LoopWarning

            client = BlockingVendo(LoopWarning("Write the view with def."))
            gmail = client.session("gmail")
            print(gmail.get("/gmail/v1/users/me/profile").json()["emailAddress"])
            ```
        """
        session = super().session(slug, **how)
        session.auth = _WarningAuth(session.auth, self._warning, slug)
        return session


class _WarningAuth:
    """The authentication of a session, which requests calls in the thread that blocks."""

    def __init__(self, auth: Any, warning: LoopWarning, slug: str) -> None:
        self._auth = auth
        self._warning = warning
        self._slug = slug

    def __repr__(self) -> str:
        return repr(self._auth)

    def __call__(
        self, request: optional.requests.PreparedRequest
    ) -> optional.requests.PreparedRequest:
        self._warning.warn(self._slug)
        authenticated: optional.requests.PreparedRequest = self._auth(request)
        return authenticated

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[Any]]:
        return _unchanged, (self._auth,)  # a pickle has no application


def _unchanged(auth: Any) -> Any:
    return auth


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
