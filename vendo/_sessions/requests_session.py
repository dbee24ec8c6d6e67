"""Authenticated requests: an `AuthBase` that renews its token, and a session made with it.

Neither `Session.send` nor `HTTPAdapter.send` is overridden, so that what is mounted, patched or
hooked there keeps working.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from datetime import timedelta
from time import perf_counter
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from vendo._sessions.hosts import is_same_origin, joined
from vendo._sessions.placement import Placed
from vendo._sessions.policy import MOST_DRAINED, Rules
from vendo._sessions.requests_adapter import (
    SharedAdapter,
    drop_target,
    puts_targets_in,
    set_target,
    shared_adapter,
    target_of,
)
from vendo.errors import ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from requests import PreparedRequest, Response

    from vendo._client.blocking import Vendo


class VendoAuth(AuthBase):
    """Puts a provider's current token on requests to its hosts, and renews it on a 401.

    Works in any requests session, as `auth=` of the session or of one request.

    Raises, when a request is prepared:
        ValidationError: the URL is not of a host that the token may be sent to, or the provider
            takes its token in the path of the URL, for which it takes a `Vendo.session`.
        VendoError: there is no token; see `Vendo.token`.
    """

    def __init__(
        self, client: Vendo, slug: str, *, hosts: Sequence[str] = (), rules: Rules | None = None
    ) -> None:
        self._client = client
        self._rules = Rules(slug, hosts) if rules is None else rules
        #: An adapter of the caller's would log a token in the path. A session of ours looks at it.
        self._is_of_session = rules is not None

    def __repr__(self) -> str:
        return f"<VendoAuth {self._rules.slug!r}>"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Authenticate a request, unless the caller wrote a credential of their own on it."""
        rules = self._rules
        url = request.url or ""
        is_own = rules.is_authenticated(url, request.headers)
        if not is_own:
            rules.admit(url)
            if rules.placement.header is None and not self._is_of_session:
                raise _no_place_for(rules.slug, "auth() cannot keep it out of")
            self.place(request, self.credential(url))
        for name, value in rules.placement.missing_headers(request.headers):
            request.headers[name] = value
        request.hooks["response"].append(_Watch(self, is_own=is_own))
        return request

    def place(self, request: PreparedRequest, credential: Placed) -> None:
        """Put what carries a token where the provider wants it."""
        header = self._rules.placement.header
        if header is not None:
            request.headers[header] = credential
        else:
            set_target(request, credential)

    def placed(self, request: PreparedRequest) -> Placed | str | None:
        """What is where the token belongs: `Placed` by this class, or text that somebody else
        wrote, or None.
        """
        header = self._rules.placement.header
        return target_of(request) if header is None else request.headers.get(header)

    def strip(self, request: PreparedRequest) -> None:
        """Take every credential off a request."""
        for name in self._rules.placement.secret_headers():
            request.headers.pop(name, None)
        drop_target(request)

    def allows(self, url: str) -> bool:
        """True where the token may be sent to the host of this URL."""
        return self._rules.allows(url)

    def credential(self, url: str, refused: Placed | None = None) -> Placed:
        """What carries the current token to a URL, another token than the one that was refused
        where there is another.
        """
        rules = self._rules
        if refused is not None:
            self._client._refused(rules.slug, refused.token)
        return rules.placed(url, self._client.token(rules.slug))


class _Watch:
    """Looks at each answer to a request, for the sake of its token or of the caller's own."""

    def __init__(self, auth: VendoAuth, *, is_own: bool) -> None:
        self._auth = auth
        self._is_own = is_own

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Watch:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _forgetting, ()  # a pickled answer does not take its client along

    def __call__(self, response: Response, **sending: Any) -> Response:
        request = response.request
        if response.status_code == 401 and not self._is_own:
            response = self._renewed(response, sending)
        if response.is_redirect and self._leads_out(response):
            # The next request is a copy of this one, and requests strips `Authorization` alone.
            self._auth.strip(request)
        return response

    def rebuild(self, request: PreparedRequest, came_from: str) -> None:
        """Authenticate a request that a redirect leads to."""
        url = request.url or ""
        if self._is_own:
            if not is_same_origin(came_from, url):
                self._auth.strip(request)
            return
        self._auth.strip(request)
        if self._auth.allows(url):
            self._auth.place(request, self._auth.credential(url))

    def _leads_out(self, response: Response) -> bool:
        location = response.headers["location"]
        if not location.isascii():
            return True  # whatever requests makes of it
        url = joined(response.url, location)
        return not (is_same_origin(response.url, url) if self._is_own else self._auth.allows(url))

    def _renewed(self, response: Response, sending: dict[str, Any]) -> Response:
        """The answer to a second try with another token, where there is one."""
        request, auth = response.request, self._auth
        sent, url = auth.placed(request), request.url or ""
        if not auth.allows(url) or not (sent is None or isinstance(sent, Placed)):
            return response
        try:
            fresh = auth.credential(url, sent)
        except VendoError:
            response.close()
            raise
        if (sent is not None and fresh.token == sent.token) or not _rewound(request):
            return response
        _drain(response)
        again = request.copy()
        drop_target(again)
        auth.place(again, fresh)
        extract_cookies_to_jar(again._cookies, request, response.raw)  # type: ignore[attr-defined,no-untyped-call]  # as requests' own digest authentication does
        again.prepare_cookies(again._cookies)  # type: ignore[attr-defined]  # the same
        begin = perf_counter()
        renewed: Response = response.connection.send(again, **sending)
        renewed.elapsed = timedelta(seconds=perf_counter() - begin)
        renewed.request = again
        renewed.history = [*response.history, response]
        renewed.__dict__["refused"] = response
        return renewed


def _forgetting() -> Callable[..., Response]:
    return _pass_on


def _pass_on(response: Response, **_sending: Any) -> Response:
    return response


class VendoSession(requests.Session):
    """A `requests.Session` for one provider.

    Attributes:
        timeout: seconds for connecting, and between two pieces of an answer, where a request says
            nothing else; None for no limit.
    """

    __attrs__ = [*requests.Session.__attrs__, "_client", "_rules", "timeout"]

    def __init__(self, client: Vendo, rules: Rules) -> None:
        super().__init__()
        self._client = client
        self._rules = rules
        self.timeout: float | tuple[float, float] | None = client.timeout
        self.auth = VendoAuth(client, rules.slug, rules=rules)
        adapter = shared_adapter(client)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def __repr__(self) -> str:
        return f"<VendoSession {self._rules.slug!r}>"

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {name: getattr(self, name) for name in self.__attrs__}
        state["adapters"] = {
            prefix: None if isinstance(adapter, SharedAdapter) else adapter
            for prefix, adapter in self.adapters.items()
        }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        adapters = state.pop("adapters")
        self.__dict__.update(state)
        self.adapters = OrderedDict()
        shared = shared_adapter(self._client)
        for prefix, adapter in adapters.items():
            self.mount(prefix, shared if adapter is None else adapter)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Response:
        """As in requests, with a relative URL and a time-out where none is given."""
        if len(args) < 7:  # the seventh is the time-out
            kwargs.setdefault("timeout", self.timeout)
        response = super().request(method, url, *args, **kwargs)
        if response.history:
            response.history = _whole_history(response)
        return response

    def prepare_request(self, request: requests.Request) -> PreparedRequest:
        """As in requests, with a URL that may be relative."""
        url = request.url
        text = url.decode() if isinstance(url, bytes) else str(url)
        absolute = self._rules.resolve(text)
        if absolute is not text:
            request = copy.copy(request)
            request.url = absolute
        return self._able_to_send(super().prepare_request(request))

    def _able_to_send(self, request: PreparedRequest) -> PreparedRequest:
        """The request, unless its token is in the path and an adapter would not put it there."""
        if target_of(request) is not None and not puts_targets_in(
            self.get_adapter(request.url or "")
        ):
            raise _no_place_for(self._rules.slug, "an adapter that was mounted writes it into")
        return request

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """As in requests, but plain http takes no proxy of the environment: it goes to this machine
        alone, and a proxy elsewhere would see the token.
        """
        proxies = _without_environment(url, proxies)
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def rebuild_proxies(self, prepared_request: PreparedRequest, proxies: Any) -> Any:
        """The same for the next request of a redirect."""
        proxies = _without_environment(prepared_request.url or "", proxies)
        return super().rebuild_proxies(prepared_request, proxies)  # type: ignore[no-untyped-call]  # of requests

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Have the next request of a redirect carry what may go to its host."""
        for hook in prepared_request.hooks["response"]:
            if isinstance(hook, _Watch):
                hook.rebuild(prepared_request, response.request.url or "")
                self._able_to_send(prepared_request)
                return
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]  # of requests


def make_session(
    client: Vendo, slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
) -> VendoSession:
    """A session over the client's shared connections."""
    return VendoSession(client, Rules(slug, hosts, base_url))


def _no_place_for(slug: str, problem: str) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"The token for {slug} goes into the path of the URL, and {problem} log records and error "
        "texts.",
        slug=slug,
        suggested_fix=f"Use session({slug!r}) of the client, with no adapter mounted in it.",
    )


def _without_environment(url: str, proxies: Any) -> Any:
    """The proxies that the caller names; for plain http, with none to be added to them."""
    parts = urlsplit(url)
    return {**(proxies or {}), "no_proxy": parts.hostname} if parts.scheme == "http" else proxies


def _rewound(request: PreparedRequest) -> bool:
    """Make the body ready to be sent once more. False where that cannot be done."""
    body: Any = request.body
    if body is None or isinstance(body, bytes | str):
        return True
    if request._body_position is None:  # type: ignore[attr-defined]  # what requests itself looks at
        return not hasattr(body, "read") and iter(body) is not body
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError):  # ValueError: the file was closed
        return False
    return True


def _drain(response: Response) -> None:
    """Give the connection back. A short body stays readable in `response.history`."""
    try:
        if int(response.headers.get("content-length", MOST_DRAINED + 1)) <= MOST_DRAINED:
            _ = response.content
    except (ValueError, requests.RequestException):
        pass  # the status is what matters
    response.close()


def _whole_history(response: Response) -> list[Response]:
    """The answers that led to this one, those included that were refused on the way."""
    whole: list[Response] = []
    for step in [*response.history, response]:
        refused = step.__dict__.get("refused")
        if refused is not None and refused not in whole:
            whole.append(refused)
        if step not in whole:
            whole.append(step)
    return whole[:-1]
