"""How an `AsyncVendo` drives its flows, and which transport it sends requests with."""

from __future__ import annotations

import sys
from typing import Literal, TypeVar

from vendo import _client
from vendo._client.base import BaseClient
from vendo._tokens.cache import shared
from vendo.errors import VendoError, invalid, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.steps import Flow
    from vendo._transports.blocking import BlockingTransport

_T = TypeVar("_T")


class AsyncDriver(BaseClient):
    """A client that drives its flows in tasks."""

    if TYPE_CHECKING:
        _root: AsyncDriver
        #: The caller's own, the name of one that is made when it is used, or None for the default.
        _transport: _client.AsyncTransport | Literal["aiohttp", "threads"] | None

    async def _run(self, flow: Flow[_T]) -> _T:
        """Drive a flow. Errors leave the library here: nothing of a call is in their frames."""
        from vendo._transports.async_driver import run

        shared.sweep()
        handled = sys.exception()
        try:
            return await run(flow, self._root._opened_transport)
        except VendoError as error:
            raise without_frames(error) from None
        except BaseException as error:
            from vendo._protocol.tracebacks import cut_tracebacks

            cut_tracebacks(error, handled, "vendo")
            raise

    def _opened_transport(self) -> _client.AsyncTransport:
        chosen = self._transport
        if chosen is not None and not isinstance(chosen, str):
            return chosen
        return self._make_once("transport", lambda: make_transport(chosen or default_transport()))

    def _stream_transport(self) -> BlockingTransport:
        """Return the transport of `events.watch`, which reads in a thread."""
        from vendo._transports.blocking import BlockingTransport

        return BlockingTransport()


def default_transport() -> Literal["aiohttp", "threads"]:
    """Return the name of the transport that is used by default."""
    from importlib.util import find_spec

    return "threads" if find_spec("aiohttp") is None else "aiohttp"


def checked_transport(
    transport: _client.AsyncTransport | Literal["aiohttp", "threads"] | None,
) -> _client.AsyncTransport | Literal["aiohttp", "threads"] | None:
    if transport == "aiohttp":
        from vendo._config.extras import require

        require("aiohttp", "async")
    elif isinstance(transport, str) and transport != "threads":
        raise invalid(
            f"transport= must be 'aiohttp' or 'threads', not {transport[:40]!r}.",
            fix="Leave it out: aiohttp is used if it is installed.",
        )
    elif not (transport is None or isinstance(transport, str) or _is_transport(transport)):
        raise invalid(
            "transport= must have send(request), open(request) and aclose(); a value of type "
            f"{type(transport).__name__} does not.",
            fix="Leave it out, or pass 'aiohttp', 'threads', or an object with all three.",
        )
    return transport


def _is_transport(transport: object) -> bool:
    return all(callable(getattr(transport, name, None)) for name in ("send", "open", "aclose"))


def make_transport(name: str) -> _client.AsyncTransport:
    if name == "aiohttp":
        from vendo._transports.aiohttp_transport import AiohttpTransport

        return AiohttpTransport()
    from vendo._transports.threaded import ThreadedTransport

    return ThreadedTransport()
