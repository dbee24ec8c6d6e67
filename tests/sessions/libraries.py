"""The ways to send a request with a provider's token, each with the rules of a session."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

import vendo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: No request of these tests uses TLS, and a new context for each client takes 20 ms.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Sent:
    """What the caller of a request gets."""

    status: int
    url: str


def requests_session(slug: str, url: str, headers: Mapping[str, str], hosts: Sequence[str]) -> Sent:
    with vendo.Vendo() as client, client.session(slug, hosts=hosts) as session:
        response = session.get(url, headers=headers)
        return Sent(response.status_code, response.url)


def requests_auth(slug: str, url: str, headers: Mapping[str, str], hosts: Sequence[str]) -> Sent:
    with vendo.Vendo() as client, requests.Session() as session:
        session.auth = client.auth(slug, hosts=hosts)
        response = session.get(url, headers=headers, timeout=10)
        return Sent(response.status_code, response.url)


def aiohttp_session(slug: str, url: str, headers: Mapping[str, str], hosts: Sequence[str]) -> Sent:
    async def main() -> Sent:
        async with (
            vendo.AsyncVendo() as client,
            await client.session(slug, hosts=hosts) as session,
            session.get(url, headers=headers) as response,
        ):
            return Sent(response.status, str(response.url))

    return asyncio.run(main())


def _httpx(name: str) -> Callable[[str, str, Mapping[str, str], Sequence[str]], Sent]:
    library = importlib.import_module(name)

    def send(slug: str, url: str, headers: Mapping[str, str], hosts: Sequence[str]) -> Sent:
        with vendo.Vendo() as client:
            auth = client.httpx_auth(slug, hosts=hosts)
            with library.Client(auth=auth, follow_redirects=True, verify=_TLS) as http:
                response = http.get(url, headers=headers)
                return Sent(response.status_code, str(response.url))

    return send


def _httpx_async(name: str) -> Callable[[str, str, Mapping[str, str], Sequence[str]], Sent]:
    library = importlib.import_module(name)

    def send(slug: str, url: str, headers: Mapping[str, str], hosts: Sequence[str]) -> Sent:
        async def main() -> Sent:
            async with vendo.AsyncVendo() as client:
                auth = client.httpx_auth(slug, hosts=hosts)
                async with library.AsyncClient(
                    auth=auth, follow_redirects=True, verify=_TLS
                ) as http:
                    response = await http.get(url, headers=headers)
                    return Sent(response.status_code, str(response.url))

        return asyncio.run(main())

    return send


#: The sessions are ours. The others have an `auth=` in a client of the caller's.
SESSIONS = {"session": requests_session, "aiohttp": aiohttp_session}
AUTHS = {
    "auth": requests_auth,
    **{name: _httpx(name) for name in ("httpx2", "httpx")},
    **{f"{name} async": _httpx_async(name) for name in ("httpx2", "httpx")},
}
WAYS = SESSIONS | AUTHS
