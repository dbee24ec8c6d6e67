"""`LocalVendo`: a Vendo backend on loopback."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import vendo
from vendo import _types
from vendo._config import environment
from vendo._config.slugs import checked_slug
from vendo.testing._http.listener import HOST, Listener
from vendo.testing._providers.actions import BUILT_IN
from vendo.testing._server.control_surface import ControlSurface
from vendo.testing._server.controls import Controls
from vendo.testing._server.service import Service
from vendo.testing._state.connections import seeds_of
from vendo.testing._state.state import KEY_PREFIX, Options


class LocalVendo(Controls):
    """Run a real HTTP server on loopback that behaves like a Vendo backend (the wire contract).

    One port serves the platform API and the connect page, the credentials worker
    (`credentials_url`), the data proxy (`data_proxy_url`) and a fake provider for each slug
    (`provider_url`), which rejects an expired token. Use it as a context manager, or call `start()`
    and `stop()`.

    Attributes:
        api_key: the app key.
        webhook_secret: the secret with which `sign_webhook` signs.

    Args:
        connections: slugs, or a mapping from slug to the options of `connect`, or None for the
            defaults.
        api_key: the app key. The default is a random one.
        port: the port, or 0 for a free one.
        ssl_context: a context for TLS servers. With it, the addresses are https.
        balance: the balance of the wallet, in micros.
        daily_cap: the spend cap of a day in micros, or None.
        monthly_cap: the spend cap of a month in micros, or None.
        token_lifetime: seconds until a token expires, or None for tokens that do not expire.
        heartbeat: seconds of silence on an event stream after which a comment is sent.
        retry: seconds that clients of an event stream wait before they reconnect, or None.

    Raises:
        TypeError: `connections` is a text, or an option of a connection is unknown.
        ValueError: the status or the profile of a connection is unknown.
        ValidationError: a slug is malformed.

    Example:
        ```python
        from vendo.testing import LocalVendo

        with LocalVendo(["gmail"]) as server:
            session = server.client().session("gmail", base_url=server.provider_url("gmail"))
            assert session.get("/gmail/v1/users/me/profile").ok
        ```
    """

    def __init__(
        self,
        connections: Mapping[str, Mapping[str, Any] | None] | Iterable[vendo.Slug | str] = (),
        *,
        api_key: str | None = None,
        port: int = 0,
        ssl_context: _types.ssl.SSLContext | None = None,
        balance: int = 5_000_000,
        daily_cap: int | None = None,
        monthly_cap: int | None = None,
        token_lifetime: float | None = 3600.0,
        heartbeat: float = 25.0,
        retry: float | None = None,
    ) -> None:
        self.api_key: str = api_key or KEY_PREFIX + secrets.token_urlsafe(24)
        self.webhook_secret: str = f"whsec_{secrets.token_urlsafe(24)}"
        self._port = port
        self._ssl_context = ssl_context
        self._listener: Listener | None = None
        self._service = Service(
            Options(
                api_key=self.api_key,
                secret=secrets.token_bytes(32),
                connections=seeds_of(connections),
                token_lifetime=token_lifetime,
                balance=balance,
                daily_cap=daily_cap,
                monthly_cap=monthly_cap,
                heartbeat=heartbeat,
                retry=retry,
                actions=BUILT_IN,
            ),
            ControlSurface(self, self.api_key).respond,
        )

    def __repr__(self) -> str:
        return f"<LocalVendo {self._service.site if self._listener else 'stopped'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # Lifecycle

    def start(self) -> Self:
        """Start to listen. After a `stop()`, port and state are the same as before.

        Returns:
            The server itself.

        Raises:
            OSError: the port is taken.

        Example:
            ```python
            from vendo.testing import LocalVendo

            server = LocalVendo().start()
            print(server.url)
            server.stop()
            ```
        """
        if self._listener is None:
            self._service.state.resume()
            self._listener = Listener(self._service.serve, self._port, self._ssl_context)
            self._port = self._listener.port
            scheme = "http" if self._ssl_context is None else "https"
            self._service.site = f"{scheme}://{HOST}:{self._port}"
        return self

    def stop(self) -> None:
        """End every connection and thread, and release the port.

        Example:
            ```python
            from vendo.testing import LocalVendo

            server = LocalVendo(["openai"]).start()
            client = server.client()
            server.stop()
            server.start()  # an outage has ended
            assert client.token("openai")
            server.stop()
            ```
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            self._service.state.end()
            self._service.state.events.join(timeout=5.0)  # longer only where a client does not read
            listener.close()

    def reset(self) -> None:
        """Set everything back to the start, with the same port, key and tokens.

        Requests that are held or slowed end without a response. Event streams are closed.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.disconnect("openai")
                server.reset()
                assert server.client().token("openai")
            ```
        """
        self._service.reset()

    # Addresses, and clients with these addresses

    @property
    def url(self) -> str:
        """The origin of the platform API.

        Raises:
            RuntimeError: the server is not started.
        """
        if not self._service.site:
            raise RuntimeError("The server is not started. Fix: with LocalVendo() as server: ...")
        return self._service.site

    @property
    def credentials_url(self) -> str:
        """The address of the credentials worker."""
        return f"{self.url}/credentials"

    @property
    def data_proxy_url(self) -> str:
        """The address of the data proxy."""
        return f"{self.url}/data-proxy"

    def provider_url(self, slug: vendo.Slug | str) -> str:
        """Return the address of a fake provider.

        Args:
            slug: the provider, of the catalog or not.

        Returns:
            The address without a slash at its end.

        Raises:
            RuntimeError: the server is not started.
            ValidationError: the slug is malformed.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo() as server:
                print(server.provider_url("openai"))
            ```
        """
        return f"{self.url}/providers/{checked_slug(slug)}"

    def connection_key(self, slug: str) -> str:
        """Return the API key that is locked to one connection.

        Args:
            slug: the provider.

        Returns:
            A key with which a client gets the token of this provider alone.

        Raises:
            ValidationError: the slug is malformed.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["gmail", "openai"]) as server:
                client = server.client(api_key=server.connection_key("gmail"))
                assert client.token("gmail")
            ```
        """
        return self._service.state.connection_key(checked_slug(slug))

    def environment(self, *slugs: str) -> dict[str, str]:
        """Return the variables with which a program uses this server.

        Args:
            slugs: providers to include the base URL of the fake provider for. The default is every
                provider that can be connected: those of the catalog, and the server's own.

        Returns:
            Values by the names of the variables: `VENDO_API_KEY`, the addresses, the webhook
            secret, and `<SLUG>_BASE_URL` for the providers.

        Raises:
            RuntimeError: the server is not started.
            ValidationError: a slug is malformed.

        Example:
            ```python
            import os
            import subprocess
            import sys

            from vendo.testing import LocalVendo

            program = "import vendo; print(vendo.token('openai'))"
            with LocalVendo(["openai"]) as server:
                variables = {**os.environ, **server.environment("openai")}
                subprocess.run([sys.executable, "-c", program], env=variables, check=True)
            ```
        """
        variables = {
            environment.API_KEY.name: self.api_key,
            environment.BASE_URL.name: self.url,
            environment.CREDENTIALS_URL.name: self.credentials_url,
            environment.DATA_PROXY_URL.name: self.data_proxy_url,
            environment.WEBHOOK_SECRET.name: self.webhook_secret,
        }
        for slug in slugs or self._service.state.connections.slugs():
            name = environment.base_url_variable(checked_slug(slug)).name
            variables[name] = self.provider_url(slug)
        return variables

    def client(self, **settings: Any) -> vendo.Vendo:
        """Return a `vendo.Vendo` for this server.

        Args:
            settings: keyword arguments of `Vendo`, such as `timeout`.

        Returns:
            A new client with the server's key and addresses.

        Raises:
            RuntimeError: the server is not started.
            AuthError, ValidationError: as for `Vendo`.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                client = server.client(timeout=5)
                assert client.token("openai") == server.token("openai")
            ```
        """
        from vendo import Vendo

        return Vendo(**{**self._addresses(), **settings})

    def async_client(self, **settings: Any) -> vendo.AsyncVendo:
        """Return a `vendo.AsyncVendo` for this server.

        Args:
            settings: keyword arguments of `AsyncVendo`, such as `timeout`.

        Returns:
            A new client with the server's key and addresses.

        Raises:
            RuntimeError: the server is not started.
            AuthError, ValidationError: as for `AsyncVendo`.

        Example:
            ```python
            import asyncio

            from vendo.testing import LocalVendo

            async def main(server):
                async with server.async_client() as client:
                    assert await client.token("openai") == server.token("openai")

            with LocalVendo(["openai"]) as server:
                asyncio.run(main(server))
            ```
        """
        from vendo import AsyncVendo

        return AsyncVendo(**{**self._addresses(), **settings})

    def _addresses(self) -> dict[str, Any]:
        return {
            "api_key": self.api_key,
            "base_url": self.url,
            "credentials_url": self.credentials_url,
            "data_proxy_url": self.data_proxy_url,
        }
