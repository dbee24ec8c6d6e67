"""The functions of `vendo` for asyncio: `await vendo.aio.token("openai")`.

They are those of one default client that follows the environment at each call. Unlike `AsyncVendo`,
it works in OSS mode too.
"""

from __future__ import annotations

from typing import Any, Final

from vendo._client.asynchronous import AsyncVendo, ModeFollowingAsyncVendo

__all__ = [
    "aclose",
    "async_token_provider",
    "billing",
    "client",
    "connect_url",
    "connections",
    "data",
    "events",
    "for_request",
    "for_user",
    "httpx_auth",
    "integrations",
    "invalidate",
    "is_vendo_mode",
    "session",
    "token",
    "token_provider",
    "tokens",
    "webhooks",
]


def client(api_key: str | None = None, base_url: str | None = None, **settings: Any) -> AsyncVendo:
    """Make a client for asyncio that follows the environment. Both modes.

    Args:
        api_key: the app key; `"byok"` selects OSS mode. `VENDO_API_KEY` by default.
        base_url: the origin of the platform API, as for `Vendo`.
        **settings: the other arguments of `AsyncVendo`.

    Returns:
        A client with all methods of `AsyncVendo`. Close it with `aclose()` or `async with`.

    Raises:
        AuthError: the key contains white space or control characters.
        MissingExtra: `transport="aiohttp"`, and aiohttp is not installed.
        ValidationError: a key must not be sent to one of the addresses, or another argument is
            malformed.

    Example:
        ```python
        import asyncio

        import vendo


        async def main():
            async with vendo.aio.client(timeout=10) as client:
                print(len(await client.token("openai")))


        asyncio.run(main())
        ```
    """
    return ModeFollowingAsyncVendo(api_key, base_url, **settings)


_default = client()

token: Final = _default.token
tokens: Final = _default.tokens
session: Final = _default.session
httpx_auth: Final = _default.httpx_auth
token_provider: Final = _default.token_provider
async_token_provider: Final = _default.async_token_provider
invalidate: Final = _default.invalidate
connect_url: Final = _default.connect_url
for_user: Final = _default.for_user
for_request: Final = _default.for_request
is_vendo_mode: Final = _default.is_vendo_mode
connections: Final = _default.connections
integrations: Final = _default.integrations
billing: Final = _default.billing
events: Final = _default.events
webhooks: Final = _default.webhooks
data: Final = _default.data
aclose: Final = _default.aclose
