"""Which transport an `AsyncVendo` sends its requests with."""

from __future__ import annotations

from typing import Literal

from vendo import _client
from vendo.errors import invalid


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
