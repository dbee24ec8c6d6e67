"""`Vendo`: the blocking client."""

from __future__ import annotations

from vendo._client.base import BaseClient
from vendo._config.settings import API_VERSION
from vendo._config.slugs import name_of
from vendo._protocol.retry import RetryPolicy
from vendo.errors import ValidationError, VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    import vendo._types
    from vendo._protocol.steps import Flow

    _T = TypeVar("_T")
else:
    import vendo  # `_types` is imported when an annotation is read


class Vendo(BaseClient):
    """Credentials of third-party services, by name, for blocking code.

    Without a key the client follows the environment: Vendo mode while `VENDO_API_KEY` is set,
    OSS mode while it is not. Clients are safe to share by threads, and survive `os.fork()`.

    Args:
        api_key: the app key, `vendo_sk_` and 32 characters; `"byok"` stands for OSS mode.
        base_url: the platform API's origin; `VENDO_BASE_URL`, `VENDO_API_URL` or
            `https://vendo.run` by default.
        credentials_url: the credentials worker's origin; `VENDO_CREDENTIALS_URL` or
            `https://credentials.vendo.run` by default.
        data_proxy_url: the data proxy's origin; `VENDO_DATA_PROXY_URL` or
            `https://composio-proxy.vendo.run` by default.
        api_version: the version of the platform API to ask for.
        timeout: seconds that one call may take, its retries and pauses included.
        retry: how often a call is tried.
        transport: what sends requests, in place of the kept connections of `http.client`. A
            stream of events is no such request, and has connections of its own whatever this is.

    Raises:
        AuthError: the key has white space or control characters inside.
        ValidationError: an address that no key may be sent to, or another argument that is none.
    """

    _root: Vendo

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        credentials_url: str | None = None,
        data_proxy_url: str | None = None,
        api_version: str = API_VERSION,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        transport: vendo._types.Transport | None = None,
    ) -> None:
        try:
            super().__init__(
                api_key,
                base_url,
                credentials_url=credentials_url,
                data_proxy_url=data_proxy_url,
                api_version=api_version,
                timeout=timeout,
                retry=retry,
            )
        except VendoError as error:
            del api_key, base_url, credentials_url, data_proxy_url  # debug pages show variables
            raise without_frames(error) from None
        self._transport = _checked_transport(transport)

    def token(self, slug: vendo._types.Slug | str) -> str:
        """The credential of a provider: `VENDO_TOKEN_<SLUG>`, else what the mode says.

        Both modes: in Vendo mode the credentials worker is asked, through the process's cache;
        in OSS mode the provider's conventional variables are read, afresh at each call.

        Args:
            slug: the provider, such as `"openai"`; upper and lower case are the same.

        Raises:
            NotConnected: there is none; the error says what to set or connect.
            NeedsReauth: the person who connected it has to authorize again.
            AuthError: the API key is malformed, or the backend refuses it.
            UpstreamError: the backend failed and no good token is cached.
            ValidationError: the slug or a variable's value is malformed.
        """
        found = self._look_up(slug)
        if isinstance(found, str):
            return found
        flow = self._fetching(*found)
        del found  # it has the key in it, and debug pages show the variables of a frame
        return self._run(flow)

    def tokens(
        self, slugs: vendo._types.Iterable[vendo._types.Slug | str]
    ) -> dict[str, str | None]:
        """The credentials of several providers, None for each that has none. Both modes.

        In Vendo mode all that is not cached comes in one request.

        Args:
            slugs: the providers; the result has these very texts as its keys.

        Raises:
            AuthError, UpstreamError, ValidationError: as for `token`.
        """
        return self._run(self._resolving(slugs))

    def session(
        self,
        slug: vendo._types.Slug | str,
        *,
        hosts: vendo._types.Sequence[str] = (),
        base_url: str | None = None,
    ) -> vendo._types.requests.Session:
        """A `requests.Session` that is authenticated, and renews its token on a 401. Both modes.

        Each request carries the current token, put where the provider wants it, and sends it to
        the provider's own hosts alone. A relative URL is resolved against the provider's base
        URL. Needs the extra `http`.

        Args:
            slug: the provider.
            hosts: further hosts that the token may be sent to, such as `"api.example.com"`.
            base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and
                the catalog's; its host may be sent the token.

        Raises:
            MissingExtra: requests is not installed.
            ValidationError: the slug or a host is malformed.
        """
        from vendo._config.extras import need

        need("requests", "http")
        from vendo._sessions.requests_session import make_session

        return make_session(self, name_of(slug).slug, hosts=hosts, base_url=base_url)

    def auth(
        self, slug: vendo._types.Slug | str, *, hosts: vendo._types.Sequence[str] = ()
    ) -> vendo._types.AuthBase:
        """The same as `session`, as a requests `AuthBase` for a session of your own. Both modes.

        Raises:
            MissingExtra: requests is not installed.
            ValidationError: the slug or a host is malformed. A request raises it too where the
                token goes into the path, as Telegram's does: only `session` keeps that out of logs.
        """
        from vendo._config.extras import need

        need("requests", "http")
        from vendo._sessions.requests_session import VendoAuth

        return VendoAuth(self, name_of(slug).slug, hosts=hosts)

    def httpx_auth(
        self, slug: vendo._types.Slug | str, *, hosts: vendo._types.Sequence[str] = ()
    ) -> vendo._types.VendoHttpxAuth:
        """The same as `session`, as an `auth=` for httpx2 and httpx clients. Both modes.

        Raises:
            MissingExtra: neither httpx2 nor httpx is installed.
            ValidationError: the slug or a host is malformed.
        """
        from vendo._config.extras import need

        need("httpx2", "httpx", or_else="httpx")
        from vendo._sessions.httpx_auth import make_httpx_auth

        return make_httpx_auth(self, name_of(slug).slug, hosts=hosts)

    @property
    def connections(self) -> vendo._types.ConnectionsAPI:
        """The providers as they stand for this deployment. Both modes."""
        from vendo._client.apis import ConnectionsAPI

        return ConnectionsAPI(self)

    @property
    def integrations(self) -> vendo._types.IntegrationsAPI:
        """What the platform offers. Both modes."""
        from vendo._client.apis import IntegrationsAPI

        return IntegrationsAPI(self)

    @property
    def billing(self) -> vendo._types.BillingAPI:
        """The wallet. Vendo mode."""
        from vendo._client.apis import BillingAPI

        return BillingAPI(self)

    @property
    def events(self) -> vendo._types.EventsAPI:
        """The platform's events as they come. Vendo mode."""
        from vendo._client.apis import EventsAPI

        return EventsAPI(self)

    @property
    def data(self) -> vendo._types.DataAPI:
        """Actions on people's connected accounts. Vendo mode."""
        from vendo._client.apis import DataAPI

        return DataAPI(self)

    def close(self) -> None:
        """Close the kept connections. Called on a client that is scoped to a user, it does
        nothing: the connections are not its own.
        """
        if self._root is not self:
            return
        with self._lock:
            transport = self._transport
        if transport is not None:
            transport.close()
        import sys

        if "vendo._sessions.requests_adapter" in sys.modules:  # there may be sessions
            # Imported, and not taken from the table: another thread may not be done importing it.
            from vendo._sessions.requests_adapter import close_adapter

            close_adapter(self)

    def __enter__(self) -> vendo._types.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: vendo._types.TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, vendo._types.Any]:
        if self._user_jwt is not None:
            raise ValidationError(
                "validation_failed",
                "A client that is scoped to a user cannot be pickled: its JWT would be in there.",
                suggested_fix="Hand the JWT over yourself and call for_user() on the other side.",
            )
        return {"settings": self._settings, "transport": self._transport_to_pickle()}

    def __setstate__(self, state: dict[str, vendo._types.Any]) -> None:
        self._settings = state["settings"]
        self._transport = state["transport"]
        self._user_jwt = self._user = None
        self._root = self
        self._begin_lock()

    def _transport_to_pickle(self) -> vendo._types.Transport | None:
        from vendo._transports.blocking import BlockingTransport

        # Our own is made anew where it is needed; one that was handed in is its owner's affair.
        return None if isinstance(self._transport, BlockingTransport) else self._transport

    def _run(self, flow: Flow[_T]) -> _T:
        from vendo._transports.driver import run

        try:
            return run(flow, self._root._opened_transport)
        except VendoError as error:
            raise without_frames(error) from None

    def _opened_transport(self) -> vendo._types.Transport:
        with self._lock:
            if self._transport is None:
                from vendo._transports.blocking import BlockingTransport

                self._transport = BlockingTransport()
            return self._transport


def _checked_transport(transport: vendo._types.Transport | None) -> vendo._types.Transport | None:
    if transport is not None and not callable(getattr(transport, "send", None)):
        raise ValidationError(
            "validation_failed",
            f"transport= is of type {type(transport).__name__}, and takes an object with "
            "send(request) and close().",
        )
    return transport
