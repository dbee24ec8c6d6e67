"""Authenticated requests of httpx2 and httpx: one `auth=` for the clients of both, which are alike.

Neither is imported here. What is needed of them comes with the request that a client hands in.

httpx follows redirects below its authentication, and takes `Authorization` alone off a request that
goes to another host. So a token in another header, or in the path, is put where the copy that a
redirect makes does not find it; a redirect within the provider's hosts then gets its token by one
more request.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from vendo import _types
from vendo._sessions.hosts import is_same_origin
from vendo._sessions.httpx_parts import MaskedBytes, masked_url, one_way_headers, rewinding
from vendo._sessions.policy import Rules
from vendo.errors import ValidationError, VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx
    import httpx2
    from typing_extensions import TypeIs

    from vendo._client.asynchronous import AsyncVendo
    from vendo._client.blocking import Vendo
    from vendo._sessions.placement import Placed
    from vendo._transports.threaded import ThreadedTransport

    class _Bases(httpx2.Auth, httpx.Auth):  # type: ignore[misc]  # their requests are not the same class
        """What the type checker takes the authentication for."""
else:
    _Bases = object

#: A request or an answer of either library.
Request: TypeAlias = Any
Response: TypeAlias = Any

#: What a provider may say to a request without a token, for which one is tried with it.
_UNAUTHENTICATED = frozenset({401, 403, 404})


class VendoHttpxAuth(_Bases):
    """Puts a provider's current token on requests to its hosts, and renews it on a 401.

    For `Client` and `AsyncClient`, as `auth=` of the client or of one request. Made by
    `Vendo.httpx_auth`, it serves both; made by `AsyncVendo.httpx_auth`, an `AsyncClient`.

    Raises, when a request is sent:
        ValidationError: the URL is not of a host that the token may be sent to.
        VendoError: there is no token; see `Vendo.token`.
    """

    def __init__(
        self, client: _types.Vendo | _types.AsyncVendo, slug: str, *, hosts: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._rules = Rules(slug, hosts)

    def __repr__(self) -> str:
        return f"<VendoHttpxAuth {self._rules.slug!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._client, self._rules)

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # a client asks isinstance() of its own library's Auth
            return _class_for(sys.modules.get("httpx2"), sys.modules.get("httpx"))

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """What a `Client` calls for each request."""
        flow = _Flow(self._rules, request).steps()
        outcome: Any = None
        try:
            while True:
                step = flow.send(outcome)
                if isinstance(step, _Wanted):
                    outcome = self._rules.placed(step.url, self._token(step))
                else:
                    outcome = yield step
        except StopIteration:
            return

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """What an `AsyncClient` calls for each request."""
        flow = _Flow(self._rules, request).steps()
        outcome: Any = None
        try:
            while True:
                step = flow.send(outcome)
                if isinstance(step, _Wanted):
                    outcome = self._rules.placed(step.url, await self._token_for_task(step))
                else:
                    outcome = yield step
        except StopIteration:
            return

    def _token(self, wanted: _Wanted) -> str:
        client, slug = self._client, self._rules.slug
        if _is_async(client):
            raise ValidationError(
                "validation_failed",
                "httpx_auth() of an AsyncVendo was given to a blocking client.",
                slug=slug,
                suggested_fix="Give it httpx_auth() of a vendo.Vendo, or use an AsyncClient.",
            )
        if wanted.refused is not None:
            client._refused(slug, wanted.refused.token)
        return client.token(slug)

    async def _token_for_task(self, wanted: _Wanted) -> str:
        client, slug = self._client, self._rules.slug
        if wanted.refused is not None:
            client._refused(slug, wanted.refused.token)
        if _is_async(client):
            return await client.token(slug)
        found = client._look_up(slug)
        if isinstance(found, str):
            return found
        from vendo._transports.async_driver import run

        flow = client._fetching(*found)
        del found  # it has the key in it, and debug pages show the variables of a frame
        try:
            return await run(flow, self._threaded)
        except VendoError as error:
            raise without_frames(error) from None

    def _threaded(self) -> ThreadedTransport:
        """The blocking client's own transport, for tasks: none of them holds up the loop."""
        root = self._client._root
        found = _threaded.get(root)
        if found is None:
            from vendo._transports.threaded import ThreadedTransport

            transport: Any = root._opened_transport()
            found = _threaded.setdefault(root, ThreadedTransport(transport))
        return found


#: One a client, since each has threads of its own.
_threaded: WeakKeyDictionary[Vendo | AsyncVendo, ThreadedTransport] = WeakKeyDictionary()


class _Wanted:
    """A step of the flow: fetch what carries the current token to the URL of a request, another
    token than the one that was refused.
    """

    def __init__(self, request: Request, refused: Placed | None = None) -> None:
        self.url = str(_bare_url(request))
        self.refused = refused


class _Flow:
    """One request of a caller: what is sent, with which token, and what is sent once more."""

    def __init__(self, rules: Rules, request: Request) -> None:
        self._rules = rules
        self._request = request
        self._rewind = rewinding(request)
        self._credential = ""

    def steps(self) -> Generator[Any, Any, None]:
        rules, request = self._rules, self._request
        for name, value in rules.placement.missing_headers(request.headers):
            request.headers[name] = value
        url = str(request.url)
        if rules.is_authenticated(url, request.headers):
            yield from self._with_callers_own(url)
            return
        rules.admit(url)
        placed = yield _Wanted(request)
        self._place(request, placed)
        answer = yield request
        last = answer.request  # another one where a redirect was followed
        if self._lost_it(last, answer.status_code) and rules.allows(str(last.url)):
            placed = yield _Wanted(last)
            self._place(last, placed)
            answer = yield last
            last = answer.request
        if answer.status_code != 401 or not self._carries_it(last):
            return
        fresh = yield _Wanted(last, placed)
        if fresh.token != placed.token and self._rewind():
            self._place(last, fresh)
            yield last

    def _with_callers_own(self, url: str) -> Generator[Any, Any, None]:
        request, header = self._request, self._rules.placement.header
        if header in {None, "Authorization"} or header not in request.headers:
            yield request  # httpx itself takes care of `Authorization`
            return
        own = request.headers.pop(header)
        self._put(request, own)
        answer = yield request
        last = answer.request
        if self._lost_it(last, answer.status_code) and is_same_origin(url, str(last.url)):
            self._put(last, own)
            yield last

    def _place(self, request: Request, credential: Placed) -> None:
        if self._rules.placement.header is not None:
            self._put(request, credential)
            return
        bare = _bare_url(request)
        self._credential = credential
        request.url = masked_url(bare.__class__)(bare, credential)

    def _put(self, request: Request, value: str) -> None:
        header = self._rules.placement.header or ""
        self._credential = value
        if header == "Authorization":
            # Text would become plain bytes.
            request.headers.update([(header.encode(), MaskedBytes(value.encode()))])
        else:
            plain = getattr(request.headers, "bare", request.headers)
            request.headers = one_way_headers(plain.__class__)(plain, header, value)

    def _carries_it(self, request: Request) -> bool:
        rules = self._rules
        if rules.placement.header is None:
            return hasattr(request.url, "bare")
        return bool(request.headers.get(rules.placement.header) == str(self._credential))

    def _lost_it(self, request: Request, status: int) -> bool:
        """True where a redirect led to a request without the credential, which may be why it was
        refused, and which can be sent again.
        """
        return (
            request is not self._request
            and status in _UNAUTHENTICATED
            and not self._carries_it(request)
            and self._rewind()
        )


def _bare_url(request: Request) -> Any:
    """The URL of a request as it was before a token came into its path."""
    return getattr(request.url, "bare", request.url)


def make_httpx_auth(
    client: _types.Vendo | _types.AsyncVendo, slug: str, *, hosts: Sequence[str] = ()
) -> VendoHttpxAuth:
    """An `auth=` for the clients of httpx2 and httpx."""
    return VendoHttpxAuth(client, slug, hosts=hosts)


def _restored(client: Vendo | AsyncVendo, rules: Rules) -> VendoHttpxAuth:
    auth = VendoHttpxAuth(client, rules.slug)
    auth._rules = rules
    return auth


def _is_async(client: Vendo | AsyncVendo) -> TypeIs[AsyncVendo]:
    return hasattr(client, "aclose")


@lru_cache(maxsize=8)
def _class_for(*libraries: Any) -> type:
    """The class with the `Auth` of each library that is loaded as its base."""
    return type("VendoHttpxAuth", tuple(library.Auth for library in libraries if library), {})
