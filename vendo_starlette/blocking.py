"""The warning of a requests session in an endpoint, which names the async dependency to use."""

from __future__ import annotations

from vendo import web

BlockingVendo = web.BlockingVendo


class LoopWarning(web.LoopWarning):
    """The warning of a session that blocks an event loop, given once for each application."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("Write the endpoint with def, or use vendo_async_session({slug!r}).")
