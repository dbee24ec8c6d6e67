"""How a `Vendo` drives its flows: in a thread, or for httpx in a task."""

from __future__ import annotations

import sys

from vendo import _client
from vendo._client.base import BaseClient
from vendo._tokens.cache import shared
from vendo.errors import VendoError, invalid, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from vendo._protocol.secret import Secret
    from vendo._protocol.steps import Flow
    from vendo._transports.blocking import BlockingTransport
    from vendo._transports.threaded import ThreadedTransport

    _T = TypeVar("_T")


class BlockingDriver(BaseClient):
    """A client that drives its flows with blocking transports."""

    if TYPE_CHECKING:
        _root: BlockingDriver
        #: The caller's own, or None for the default one, which is made when it is used.
        _transport: _client.Transport | None

    def _run(self, flow: Flow[_T]) -> _T:
        """Drive a flow. Errors leave the library here: nothing of a call is in their frames."""
        from vendo._transports.driver import run

        shared.sweep()
        handled = sys.exception()
        try:
            return run(flow, self._root._opened_transport)
        except VendoError as error:
            raise without_frames(error) from None
        except BaseException as error:
            from vendo._protocol.tracebacks import cut_tracebacks

            cut_tracebacks(error, handled, "vendo")
            raise

    def _renewed(self, slug: str, rejected: Secret) -> str:
        """Return another token than the one that the provider rejected, if there is another."""
        self._reject(slug, rejected)
        found = self._look_up(slug)
        return found if isinstance(found, str) else self._run(self._fetching(*found, rejected))

    async def _async_token(self, slug: str, *, rejected: Secret | None = None) -> str:
        """Do the same as `token` or `_renewed` in a task, without blocking its event loop."""
        if rejected is not None:
            self._reject(slug, rejected)
        found = self._look_up(slug)
        if isinstance(found, str):
            return found
        from vendo._transports.async_driver import run

        flow = self._fetching(*found, rejected)
        handled = sys.exception()
        try:
            return await run(flow, self._root._opened_threaded_transport)
        except VendoError as error:
            raise without_frames(error) from None
        except BaseException as error:
            from vendo._protocol.tracebacks import cut_tracebacks

            cut_tracebacks(error, handled, "vendo")
            raise

    def _opened_transport(self) -> _client.Transport:
        transport: _client.Transport | None = self._transport or self._made.get("transport")
        if transport is not None:
            return transport
        from vendo._transports.blocking import BlockingTransport

        return self._make_once("transport", BlockingTransport)

    def _opened_threaded_transport(self) -> ThreadedTransport:
        from vendo._transports.threaded import ThreadedTransport

        return self._make_once("threads", lambda: ThreadedTransport(self._opened_transport()))

    def _stream_transport(self) -> BlockingTransport:
        """Return the transport for streams, which one of the caller's own does not support."""
        from vendo._transports.blocking import BlockingTransport

        transport = self._root._transport
        return transport if isinstance(transport, BlockingTransport) else BlockingTransport()


def checked_transport(transport: _client.Transport | None) -> _client.Transport | None:
    if transport is not None and not callable(getattr(transport, "send", None)):
        raise invalid(
            "transport= must have send(request) and close(); a value of type "
            f"{type(transport).__name__} does not.",
            fix="Leave it out, or pass an object with both.",
        )
    return transport
