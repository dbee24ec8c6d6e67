"""Authenticated requests of httpx2 and httpx: one `auth=` for the clients of both.

Neither library is imported here. Their classes are taken from the request.

httpx follows redirects below its authentication, and strips only `Authorization` from a request to
another host. So a token in another header, or in the path, is kept where the copy for a redirect
does not find it. After redirects within the provider's hosts, one more request carries it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from vendo._catalog.catalog import provider_at
from vendo._protocol.secret import Secret, WireSecret
from vendo._protocol.tracebacks import cut_tracebacks
from vendo._sessions.base_urls import would_be_real
from vendo._sessions.environment_proxies import is_proxied, would_be_proxied
from vendo._sessions.hosts import is_same_origin
from vendo._sessions.http2_logs import mask_headers
from vendo._sessions.httpx_parts import (
    masked_url,
    observing_hosts,
    one_way_headers,
    rewinding,
    send_to,
    take_off_credential,
)
from vendo._sessions.policy import Policy, policy_of
from vendo._sessions.rejections import accepts, may_reject, rejects
from vendo._sessions.token_source import AsyncTokenSource, TokenSource
from vendo.errors import invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx
    import httpx2

    class _Bases(httpx2.Auth, httpx.Auth):  # type: ignore[misc]  # their requests are not the same class
        """The base classes, for a type checker."""
else:
    _Bases = object

#: A request or a response of either library.
Request: TypeAlias = Any
Response: TypeAlias = Any

#: The statuses of a request without its token, after which it is sent again with it.
_UNAUTHENTICATED = frozenset({401, 403, 404})


class VendoHttpxAuth(_Bases):
    """Puts a provider's current token on requests to its hosts, and renews it on a 401.

    It is the `auth=` of a client or of one request. `Vendo.httpx_auth` makes one for `Client` and
    `AsyncClient`, `AsyncVendo.httpx_auth` one for `AsyncClient`.

    Raises, when a request is sent:
        ValidationError: the token must not be sent to the host of the URL.
        VendoError: there is no token; see `Vendo.token`.
    """

    def __init__(
        self,
        client: TokenSource | AsyncTokenSource,
        slug: str,
        *,
        hosts: Sequence[str] = (),
        override: bool = False,
    ) -> None:
        self._client: Any = client
        self._policy = policy_of(client, slug, hosts, override=override)
        #: True if the client has a transport of ours, which uses no proxy for plain http.
        self._is_direct = False
        self._last: WireSecret | None = None
        self._is_async = hasattr(client, "aclose")
        mask_headers()

    def __repr__(self) -> str:
        return f"<VendoHttpxAuth {self._policy.slug!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._client, self._policy, self._is_direct)

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # a client calls isinstance() with its library's Auth
            return _class_for(sys.modules.get("httpx2"), sys.modules.get("httpx"))

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Authenticate a request of a `Client`."""
        self._route(request, is_async=False)
        flow = _Flow(self, request)
        url = flow.prepare()
        handled = sys.exception()
        try:
            if url is not None:
                flow.put(request, self._credential(url, self._token()))
            response = yield request
            if flow.is_over(response):
                return
            steps, outcome = flow.rest(response), None
            while True:
                step = steps.send(outcome)
                if isinstance(step, _Wanted):
                    outcome = self._credential(step.url, self._token(step.rejected))
                elif isinstance(step, _Read):
                    outcome = step.response.read()
                else:
                    outcome = yield step
        except StopIteration:
            return
        except GeneratorExit:
            pass
        _cut(handled)

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Authenticate a request of an `AsyncClient`."""
        self._route(request, is_async=True)
        flow = _Flow(self, request)
        url = flow.prepare()
        handled = sys.exception()
        try:
            if url is not None:
                flow.put(request, self._credential(url, await self._token_in_task()))
            response = yield request
            if flow.is_over(response):
                return
            steps, outcome = flow.rest(response), None
            while True:
                step = steps.send(outcome)
                if isinstance(step, _Wanted):
                    outcome = self._credential(step.url, await self._token_in_task(step.rejected))
                elif isinstance(step, _Read):
                    outcome = await step.response.aread()
                else:
                    outcome = yield step
        except StopIteration:
            return
        except GeneratorExit:
            pass
        _cut(handled)

    def _route(self, request: Request, *, is_async: bool) -> None:
        """Have a request and its redirects reach no real provider if there is a local server."""
        policy = self._policy
        is_local = policy.local_server() is not None
        if is_local or policy.cleans_urls:
            url = str(_bare_url(request))
            routed = policy.route(url)
            if routed != url:
                send_to(request, routed)
        if not is_local:
            return

        def check(host: str) -> None:
            if provider_at(host) is not None:
                raise would_be_real(
                    policy.slug,
                    host,
                    fix="Have the redirect lead to an address of the local server, or use "
                    f"session({policy.slug!r}), which follows it there.",
                )

        # A redirect is followed where an `auth=` cannot change it.
        observing_hosts(request, check, is_async=is_async)

    def _credential(self, url: str, token: str) -> WireSecret:
        """Return what carries a token to a URL. In a header it is the same for all URLs."""
        last = self._last
        if last is not None and last.secret == token and self._policy.placement.header is not None:
            return last
        token = Secret(token)
        last = self._last = self._policy.credential(url, token)
        return last

    def _token(self, rejected: Secret | None = None) -> str:
        client, slug = self._client, self._policy.slug
        if self._is_async:
            raise invalid(
                "httpx_auth() of an AsyncVendo does not work in a blocking client.",
                slug=slug,
                fix="Use httpx_auth() of a vendo.Vendo, or an AsyncClient.",
            )
        token: str = client.token(slug) if rejected is None else client._renewed(slug, rejected)
        return token

    async def _token_in_task(self, rejected: Secret | None = None) -> str:
        token: str = await self._client._async_token(self._policy.slug, rejected=rejected)
        return token


def _cut(handled: BaseException | None) -> None:
    """Cut the error that is passing, if there is one. httpx closes the flow meanwhile."""
    passing = sys.exception()
    if passing is not None:
        cut_tracebacks(passing, handled)


class _Read:
    """A step of the flow: read the body of a response, which stays readable."""

    def __init__(self, response: Response) -> None:
        self.response = response


class _Wanted:
    """A step of the flow: get the current credential for a URL.

    After a rejected one, it is another one if there is another.
    """

    def __init__(self, url: object, rejected: WireSecret | None = None) -> None:
        self.url = str(url)
        self.rejected = None if rejected is None else rejected.secret


class _Flow:
    """One request of a caller: what is sent, with which token, and what is sent again."""

    def __init__(self, auth: VendoHttpxAuth, request: Request) -> None:
        self._client: TokenSource | AsyncTokenSource = auth._client
        self._policy = auth._policy
        self._is_direct = auth._is_direct
        self._request = request
        header = self._policy.placement.header
        #: The header that `put` replaces, so that it need not be dropped; None for another.
        self._replaced = header if header == "Authorization" else None
        self._rewind = rewinding(request)
        #: What the request was sent with: a `WireSecret`, or the caller's own.
        self._credential: str = ""

    def prepare(self) -> str | None:
        """Return the URL to get a credential for, or None if that of the caller wins.

        Raises:
            ValidationError: the token must not be sent there.
        """
        policy, request = self._policy, self._request
        take_off_credential(request, drops_own=policy.override)
        policy.drop_own(request.headers, replaced=self._replaced)
        for name, value in policy.placement.missing_headers(request.headers):
            request.headers[name] = value
        url = str(request.url)
        if policy.is_authenticated(url, request.headers):
            self._keep_own()
            return None
        policy.admit(url)
        if not self._is_direct and is_proxied(url):
            raise would_be_proxied(policy.slug, url)
        return url

    def is_over(self, response: Response) -> bool:
        """Return True if the first response leaves nothing to do: most accept the token."""
        if response.request is not self._request:
            return False
        credential, headers = self._credential, response.headers
        if not isinstance(credential, WireSecret):
            return True
        is_accepted = accepts(self._policy.provider, response.status_code, headers, is_read=False)
        if is_accepted:
            self._client._accept(self._policy.slug, credential.secret)
        return is_accepted

    def rest(self, response: Response) -> Generator[Any, Any, None]:
        """Go on after another first response."""
        credential = self._credential
        if not isinstance(credential, WireSecret):
            yield from self._rest_with_own(response)
            return
        last = response.request  # another one after a redirect
        if self._was_stripped(response) and all(map(self._may_carry, _requests_of(response))):
            credential = yield _Wanted(_bare_url(last))
            self.put(last, credential)
            response = yield last
            last = response.request
        if last is not self._request and not self._has_credential(last):
            return
        if (yield from self._is_rejected(response, credential)):
            fresh = yield _Wanted(_bare_url(last), credential)
            if fresh.secret != credential.secret and self._rewind():
                self.put(last, fresh)
                yield from self._is_rejected((yield last), fresh)

    def _is_rejected(self, response: Response, credential: WireSecret) -> Generator[Any, Any, bool]:
        """Return True if a response rejects the token, and note it if it shows that it does not."""
        provider, status = self._policy.provider, response.status_code
        if status == 401:
            return True
        if may_reject(provider, status, response.headers) and rejects(
            provider, (yield _Read(response))
        ):
            return True
        if accepts(provider, status, response.headers, is_read=True):
            self._client._accept(self._policy.slug, credential.secret)
        return False

    def _keep_own(self) -> None:
        """Have a redirect drop the caller's own header. httpx itself drops `Authorization`."""
        request, header = self._request, self._policy.placement.header
        if header not in {None, "Authorization"} and header in request.headers:
            self._put_header(request, header, request.headers.pop(header))

    def _rest_with_own(self, response: Response) -> Generator[Any, Any, None]:
        header, url = self._policy.placement.header, str(self._request.url)
        if (
            self._credential
            and self._was_stripped(response)
            and all(is_same_origin(url, str(sent.url)) for sent in _requests_of(response))
        ):
            self._put_header(response.request, header or "", self._credential)
            yield response.request

    def put(self, request: Request, credential: WireSecret) -> None:
        """Put a credential on a request, where the provider wants it."""
        if self._replaced is not None:
            self._credential = request.headers[self._replaced] = credential  # see `encode` of it
            return
        placement = self._policy.placement
        if placement.header is not None:
            self._put_header(request, placement.header, credential)
            return
        bare = _bare_url(request)
        self._credential = credential
        request.url = masked_url(bare.__class__)(bare, credential, placement.bare_location)

    def _put_header(self, request: Request, header: str, value: str) -> None:
        self._credential = value
        plain = getattr(request.headers, "bare", request.headers)
        request.headers = one_way_headers(plain.__class__)(plain, header, value)

    def _has_credential(self, request: Request) -> bool:
        policy = self._policy
        if policy.placement.header is None:
            return hasattr(request.url, "bare")
        return bool(request.headers.get(policy.placement.header) == str(self._credential))

    def _may_carry(self, request: Request) -> bool:
        """True if the token may be sent to the URL of a request."""
        url = str(request.url)
        return self._policy.allows(url) and (self._is_direct or not is_proxied(url))

    def _was_stripped(self, response: Response) -> bool:
        """True if a redirect dropped the credential, which may be the reason for the status, and
        the request can be sent again.
        """
        request = response.request
        return (
            request is not self._request
            and response.status_code in _UNAUTHENTICATED
            and not self._has_credential(request)
            and self._rewind()
        )


def _requests_of(response: Response) -> list[Request]:
    """Return the requests that led to a response, over redirects."""
    return [step.request for step in (*response.history, response)]


def _bare_url(request: Request) -> Any:
    """Return the URL of a request without the token in its path."""
    return getattr(request.url, "bare", request.url)


def _restored(
    client: TokenSource | AsyncTokenSource, policy: Policy, is_direct: bool
) -> VendoHttpxAuth:
    auth = object.__new__(VendoHttpxAuth)
    auth._client = client
    auth._policy = policy
    auth._is_direct = is_direct
    auth._last = None
    auth._is_async = hasattr(client, "aclose")
    mask_headers()
    return auth


@lru_cache(maxsize=8)
def _class_for(*libraries: Any) -> type:
    """Return a class that derives from the `Auth` of each library that is loaded."""
    return type("VendoHttpxAuth", tuple(library.Auth for library in libraries if library), {})
