"""The aiohttp transport, for asyncio where the extra `async` is installed."""

from __future__ import annotations

import asyncio
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import aiohttp
from yarl import URL

from vendo._protocol.decoding import malformed
from vendo._protocol.steps import Head, Response
from vendo._transports.blocking import MAX_IDLE_SECONDS
from vendo._transports.errors import TUNNEL_REFUSED, unreachable
from vendo._transports.per_loop import PerLoop
from vendo._transports.routes import route_of
from vendo._transports.tls import shared_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace

    from vendo._protocol.steps import Request


class AiohttpTransport:
    """Sends requests over the kept connections of one `aiohttp.ClientSession` an event loop."""

    name = "aiohttp"

    def __init__(self) -> None:
        self._sessions = PerLoop(_new_session)

    def __repr__(self) -> str:
        return "<AiohttpTransport>"

    async def send(self, request: Request) -> Response:
        """The answer to a request, whole. Errors as for `BlockingTransport.send`."""
        try:
            async with asyncio.timeout(request.timeout), await self._started(request) as answer:
                body = await _read_body(answer, request.max_bytes)
                return Response(answer.status, _headers_of(answer), body)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            failure = unreachable(request.url, _cause_of(problem))
        # Outside the handler: aiohttp's errors hold the request's headers, with the key in them,
        # and would stay in `__context__` whatever `from` says.
        raise failure

    async def open(self, request: Request) -> AiohttpStream:
        """The open answer to a request, to be read piece by piece."""
        try:
            async with asyncio.timeout(request.timeout):
                answer = await self._started(request)
            return AiohttpStream(request.url, answer)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            failure = unreachable(request.url, _cause_of(problem))
        raise failure

    async def _started(self, request: Request) -> aiohttp.ClientResponse:
        session = await self._sessions.get()
        proxy = route_of(request.url)[3]
        while True:
            route = _Route()
            try:
                return await session.request(
                    request.method,
                    URL(request.url, encoded=True),
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    proxy=proxy.url if proxy else None,
                    proxy_headers=dict(proxy.headers) if proxy else None,
                    trace_request_ctx=route,
                )
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if not route.was_kept:
                    raise
                # The server had closed it while it was idle: take another.

    async def aclose(self) -> None:
        """Close this event loop's connections. The transport can be used again afterwards."""
        await self._sessions.aclose()


class AiohttpStream:
    """An open answer of aiohttp's."""

    def __init__(self, url: str, answer: aiohttp.ClientResponse) -> None:
        self.head = Head(answer.status, _headers_of(answer))
        self._url = url
        self._answer = answer

    async def read(self, timeout: float) -> bytes:
        """What has come, at least a byte; empty at the end. Errors as for `BlockingStream.read`."""
        try:
            async with asyncio.timeout(timeout):
                return await self._answer.content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            failure = unreachable(self._url, _cause_of(problem))
        raise failure

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()


def _new_session() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=shared_context(), limit=0, keepalive_timeout=MAX_IDLE_SECONDS
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),  # each request has its own
        trace_configs=[_routes()],
    )
    # aiohttp would send a read twice, unasked, over a new connection too.
    session._retry_connection = False
    return session


class _Route:
    """The way that a request took, as aiohttp tells it."""

    was_kept = False


def _routes() -> aiohttp.TraceConfig:
    async def note(_: object, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.was_kept = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(note)
    return trace


def _headers_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


async def _read_body(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if (answer.content_length or 0) > max_bytes:
        raise malformed("is larger than 10 MiB")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise malformed("is larger than 10 MiB")
    return bytes(body)


def _cause_of(failure: Exception) -> Exception:
    """The failure of the socket, of TLS or of HTTP that one of aiohttp's own stands for."""
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
            cause = ConnectionError()  # closed under the hands of who was using it
        case _:
            cause = failure
    return cause
