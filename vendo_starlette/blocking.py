"""The blocking client of an application, whose sessions say so when they hold up an event loop."""

from __future__ import annotations

from typing import Any

from vendo import Vendo
from vendo_starlette import _optional


class LoopWarning:
    """Whether an application was told that a requests session holds up its event loop."""

    __slots__ = ("is_given",)

    def __init__(self) -> None:
        self.is_given: bool = False


class BlockingVendo(Vendo):
    """A `Vendo` that is handed to endpoints, of which some run on the thread of an event loop.

    What `for_user` and `for_request` make of it is one as well.
    """

    def __init__(self, warning: LoopWarning, **settings: Any) -> None:
        super().__init__(**settings)
        self._warning = warning

    def __repr__(self) -> str:
        return super().__repr__().replace(type(self).__name__, Vendo.__name__, 1)

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        return object.__new__, (Vendo,), self.__getstate__()  # a pickle has no application

    def session(self, slug: str, **how: Any) -> _optional.requests.Session:
        """The client's session; see `Vendo.session`."""
        session = super().session(slug, **how)
        from vendo_starlette.requests_sessions import watch

        watch(session, self._warning, slug)
        return session
