"""The aiohttp transport, for asyncio with the extra `async`."""

from __future__ import annotations

import asyncio
import os
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import aiohttp
from yarl import URL

from vendo._protocol.decoding import too_large
from vendo._protocol.steps import Head, Response
from vendo._transports.aiohttp_connector import Attempt, Connector, attempt
from vendo._transports.blocking import FIRST_BYTE_SHARE, MAX_IDLE_SECONDS
from vendo._transports.errors import TUNNEL_REFUSED, unreachable
from vendo._transports.per_loop import PerLoop
from vendo._transports.routes import route_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.steps import Request


class AiohttpTransport:
    """Sends requests over one `aiohttp.ClientSession` for each event loop."""

    name = "aiohttp"

    def __init__(self) -> None:
        self._sessions = PerLoop(_new_session)

    def __repr__(self) -> str:
        return "<AiohttpTransport>"

    async def send(self, request: Request) -> Response:
        """Return the whole response. Errors as for `BlockingTransport.send`."""
        try:
            # A kept connection may have died without a sign, and a write is not sent twice.
            max_idle = MAX_IDLE_SECONDS if request.method == "GET" else 0.0
            async with (
                asyncio.timeout(request.timeout),
                await self._started(request, max_idle) as response,
            ):
                body = await _read_body(response, request.max_bytes)
                return Response(response.status, _headers_of(response), body)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            failure = unreachable(request.url, _cause_of(problem))
        # Outside the handler: aiohttp's errors contain the headers of the request, with the key,
        # and would be the `__context__` of this one.
        raise failure

    async def open(self, request: Request) -> AiohttpStream:
        """Return the open response, on a new connection, to be read piece by piece."""
        try:
            async with asyncio.timeout(request.timeout):
                response = await self._started(request, max_idle=0.0)
            return AiohttpStream(request.url, response)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            failure = unreachable(request.url, _cause_of(problem))
        raise failure

    async def _started(self, request: Request, max_idle: float) -> aiohttp.ClientResponse:
        proxy = route_of(request.url)[3]
        patience = request.timeout * FIRST_BYTE_SHARE
        while True:
            session = await self._sessions.get()
            first_byte = asyncio.timeout(None)
            current = Attempt(max_idle, first_byte, patience)
            attempt.set(current)
            try:
                async with first_byte:
                    return await session.request(
                        request.method,
                        URL(request.url, encoded=True),
                        data=request.body,
                        headers=request.headers,
                        allow_redirects=False,
                        proxy=proxy.url if proxy else None,
                        proxy_headers=dict(proxy.headers) if proxy else None,
                    )
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if not current.was_kept:
                    raise
            except TimeoutError:
                if not first_byte.expired():
                    raise
            finally:
                current.end()
                attempt.set(None)
            # The kept connection was closed by the server, or died: take a new one.
            max_idle = 0.0

    async def aclose(self) -> None:
        """Close the connections of this event loop. The transport can be used again."""
        await self._sessions.aclose()


class AiohttpStream:
    """An open response of aiohttp."""

    def __init__(self, url: str, response: aiohttp.ClientResponse) -> None:
        self.head = Head(response.status, _headers_of(response))
        self._url = url
        self._response = response
        self._process = os.getpid()

    async def read(self, timeout: float) -> bytes:
        """Return the next piece, as `BlockingStream.read` does, with the same errors."""
        if self._process != os.getpid():
            return b""  # a forked child: the parent continues to read
        try:
            async with asyncio.timeout(timeout):
                return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            failure = unreachable(self._url, _cause_of(problem))
        raise failure

    def close(self) -> None:
        """Close the connection."""
        if self._process == os.getpid():
            self._response.close()


def _new_session() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=Connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),  # each request has its own
    )
    # aiohttp sends a GET again after a new connection broke; only the retry policy may do so.
    if hasattr(session, "_retry_connection"):  # it has no public name
        session._retry_connection = False
    return session


def _headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


async def _read_body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if (response.content_length or 0) > max_bytes:
        raise too_large()
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise too_large()
    return bytes(body)


def _cause_of(failure: Exception) -> Exception:
    """Return the error of the socket, of TLS or of HTTP that an error of aiohttp means."""
    match failure:
        case aiohttp.ClientPayloadError():
            cause: Exception = IncompleteRead(b"")
        case aiohttp.ClientHttpProxyError():
            cause = OSError(f"{TUNNEL_REFUSED}{failure.status}")
        case aiohttp.ClientResponseError():
            cause = BadStatusLine("")
        case aiohttp.ServerDisconnectedError():
            cause = RemoteDisconnected("")
        case aiohttp.ClientConnectorCertificateError():
            cause = failure.certificate_error
        case aiohttp.ClientConnectorError():
            cause = failure.os_error
        case aiohttp.ClientConnectionError() if not isinstance(failure, OSError):
            cause = ConnectionError()  # closed by another task
        case _:
            cause = failure
    return cause
