"""Authenticated requests: an `AuthBase` that renews its token on a 401, in any requests session."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter
from urllib.parse import urlsplit
from weakref import ref

from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import RequestException, UnrewindableBodyError
from requests.utils import get_environ_proxies, rewind_body, select_proxy

from vendo._protocol.secret import WireSecret
from vendo._sessions.environment_proxies import would_be_proxied
from vendo._sessions.hosts import is_same_origin, joined
from vendo._sessions.policy import MAX_DRAINED, policy_of
from vendo._sessions.rejections import accepts, may_reject, rejects
from vendo._sessions.requests_path import drop_target, set_target, target_of
from vendo.errors import ValidationError, VendoError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from requests import PreparedRequest, Response

    from vendo._sessions.policy import Policy
    from vendo._sessions.token_source import TokenSource


class VendoAuth(AuthBase):
    """Puts a provider's current token on requests to its hosts, and renews it on a 401.

    Works in any requests session, as `auth=` of the session or of one request.

    Raises, when a request is prepared:
        ValidationError: the token must not be sent to the host of the URL, or it goes into the
            path of the URL, which needs a `Vendo.session`.
        VendoError: there is no token; see `Vendo.token`.
    """

    def __init__(
        self,
        client: TokenSource,
        slug: str,
        *,
        hosts: Sequence[str] = (),
        override: bool = False,
        policy: Policy | None = None,
    ) -> None:
        self._client = client
        self._policy = policy or policy_of(client, slug, hosts, override=override)
        #: A session of ours checks that its adapter does not log a token in the path.
        self._is_of_session = policy is not None

    def __repr__(self) -> str:
        return f"<VendoAuth {self._policy.slug!r}>"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Authenticate a request, unless it has a credential of the caller's own that wins."""
        policy = self._policy
        policy.drop_own(request.headers)
        self._send_to(request, self.route(request.url or ""))
        url = request.url or ""
        is_own = policy.is_authenticated(url, request.headers)
        if not is_own:
            policy.admit(url)
            if policy.placement.header is None and not self._is_of_session:
                raise would_log_token(policy.slug, "auth() cannot keep it out of")
            if self._is_proxied(url):
                raise would_be_proxied(policy.slug, url)
            self.put(request, self.credential(url))
        for name, value in policy.placement.missing_headers(request.headers):
            request.headers[name] = value
        request.hooks["response"].append(Watch(self, is_own=is_own))
        return request

    def route(self, url: str) -> str:
        """Return where a request to a URL is sent: with a local server, to its fake provider."""
        return self._policy.route(url)

    def _send_to(self, request: PreparedRequest, url: str) -> None:
        if url == request.url:
            return
        request.url = url
        jar = request._cookies  # type: ignore[attr-defined]  # requests has no public name for it
        if jar:
            request.headers.pop("Cookie", None)  # for another host
            request.prepare_cookies(jar)

    def put(self, request: PreparedRequest, credential: WireSecret) -> None:
        """Put a credential on a request, where the provider wants it."""
        header = self._policy.placement.header
        if header is not None:
            request.headers[header] = credential
        else:
            set_target(request, credential)

    def sent(self, request: PreparedRequest) -> str | None:
        """Return what a request carries in that place, a `WireSecret` if it is ours."""
        header = self._policy.placement.header
        return target_of(request) if header is None else request.headers.get(header)

    def bare_location(self, location: str, target: WireSecret) -> str:
        """Return where a redirect leads without the token of a request target."""
        return self._policy.placement.bare_location(location, target.secret)

    def strip(self, request: PreparedRequest) -> None:
        """Remove all credentials from a request."""
        for name in self._policy.placement.secret_headers:
            request.headers.pop(name, None)
        drop_target(request)

    def is_rejected(self, response: Response, *, is_streamed: bool) -> bool:
        """Return True if a response rejects its token. A streamed body is not looked at."""
        if response.status_code == 401:
            return True
        provider = self._policy.provider
        if is_streamed or not may_reject(provider, response.status_code, response.headers):
            return False
        return rejects(provider, response.content)

    def note_accepted(self, response: Response, *, is_streamed: bool) -> None:
        """Note it if a response that does not reject its token shows that it was accepted."""
        policy, sent = self._policy, self.sent(response.request)
        if isinstance(sent, WireSecret) and accepts(
            policy.provider, response.status_code, response.headers, is_read=not is_streamed
        ):
            self._client._accept(policy.slug, sent.secret)

    def allows(self, url: str) -> bool:
        """True if the token may be sent to the host of this URL."""
        return self._policy.allows(url) and not self._is_proxied(url)

    def _is_proxied(self, url: str) -> bool:
        """True if another session sends plain http through a proxy of the environment."""
        if self._is_of_session or not is_plain(url):
            return False
        return bool(select_proxy(url, get_environ_proxies(url)))

    def loses_token(self, url: str, to: str) -> bool:
        """True if a redirect from one URL to another must not carry the token."""
        # requests sends it through the proxies that it found for https, despite NO_PROXY.
        is_downgrade = is_plain(to) and not is_plain(url)
        if is_downgrade and not self._is_of_session:
            return True
        return not (self.allows(url) and self.allows(to))

    def credential(self, url: str, rejected: WireSecret | None = None) -> WireSecret:
        """Return the current token as a credential for a URL.

        After a rejected one, it is another one if there is another.
        """
        policy, client = self._policy, self._client
        if rejected is None:
            return policy.credential(url, client.token(policy.slug))
        return policy.credential(url, client._renewed(policy.slug, rejected.secret))


class Watch:
    """A hook on each response: it renews a rejected token, and strips one before a redirect.

    The request of a redirect is a copy of the one before, hooks included. So a request that leaves
    the allowed hosts gets a watch that does not authenticate its copies.
    """

    def __init__(
        self, auth: VendoAuth, *, is_own: bool, left: ref[PreparedRequest] | None = None
    ) -> None:
        self._auth = auth
        self._is_own = is_own
        self._left = left

    def __deepcopy__(self, _memo: dict[int, Any]) -> Watch:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _no_hook, ()  # a pickled response does not contain its client

    def __call__(self, response: Response, **sending: Any) -> Response:
        request = response.request
        if not self._is_own and not self._has_left(request):
            is_streamed = bool(sending.get("stream"))
            if self._auth.is_rejected(response, is_streamed=is_streamed):
                response = self._renewed(response, sending)
            if not self._auth.is_rejected(response, is_streamed=is_streamed):
                self._auth.note_accepted(response, is_streamed=is_streamed)
        if response.is_redirect:
            self._clean(response)
            self._route(response)
        if response.is_redirect and self._leads_out(response):
            # The next request is a copy of this one, and requests strips only `Authorization`.
            self._leave(request)
        return response

    def rebuild(self, request: PreparedRequest, came_from: str) -> None:
        """Authenticate the request of a redirect."""
        url = request.url or ""
        if self._is_own:
            if not is_same_origin(came_from, url):
                self._auth.strip(request)
        elif self._has_left(request) or not self._auth.allows(url):
            self._leave(request)
        else:
            self._auth.strip(request)
            self._auth.put(request, self._auth.credential(url))

    def _leave(self, request: PreparedRequest) -> None:
        """Remove all credentials from a request, for all redirects that follow it."""
        self._auth.strip(request)
        left = Watch(self._auth, is_own=self._is_own, left=self._left or ref(request))
        hooks = [left if hook is self else hook for hook in request.hooks["response"]]
        request.hooks = {**request.hooks, "response": hooks}

    def _has_left(self, request: PreparedRequest) -> bool:
        """True for a copy of a request that left. That one itself may be sent again."""
        return self._left is not None and self._left() is not request

    def _clean(self, response: Response) -> None:
        """Remove the token from where a redirect leads, if the provider repeats the path."""
        target = target_of(response.request)
        if target is not None:
            location = self._auth.bare_location(response.headers["location"], target)
            response.headers["location"] = location
            received = getattr(response.raw, "_original_response", None)  # by http.client
            for headers in (getattr(response.raw, "headers", None), getattr(received, "msg", None)):
                if headers and "location" in headers:
                    del headers["location"]
                    headers["location"] = location

    def _route(self, response: Response) -> None:
        """Keep a redirect to a provider's host at the local server, if there is one."""
        to = joined(response.url, response.headers["location"])
        try:
            routed = self._auth.route(to)
        except ValidationError:
            response.close()
            raise
        if routed != to:
            response.headers["location"] = routed

    def _leads_out(self, response: Response) -> bool:
        location = response.headers["location"]
        if not location.isascii():
            return True  # requests may decode it differently
        to = joined(response.url, location)
        if self._is_own:
            return not is_same_origin(response.url, to)
        return self._auth.loses_token(response.url, to)

    def _renewed(self, response: Response, sending: dict[str, Any]) -> Response:
        """Return the response to a second attempt with another token, if there is one."""
        request, auth = response.request, self._auth
        sent, url = auth.sent(request), request.url or ""
        if not auth.allows(url) or not (sent is None or isinstance(sent, WireSecret)):
            return response
        try:
            fresh = auth.credential(url, sent)
        except VendoError:
            response.close()
            raise
        if (sent is not None and fresh.secret == sent.secret) or not _rewound(request):
            return response
        _drain(response)
        again = request.copy()
        drop_target(again)
        auth.put(again, fresh)
        extract_cookies_to_jar(again._cookies, request, response.raw)  # type: ignore[attr-defined,no-untyped-call]  # as requests' own digest authentication does
        again.prepare_cookies(again._cookies)  # type: ignore[attr-defined]  # the same
        begin = perf_counter()
        renewed: Response = response.connection.send(again, **sending)
        renewed.elapsed = timedelta(seconds=perf_counter() - begin)
        renewed.request = again
        renewed.history = [*response.history, response]
        renewed.__dict__["rejected"] = response
        return renewed


def _no_hook() -> Callable[..., Response]:
    return _pass_on


def _pass_on(response: Response, **_sending: Any) -> Response:
    return response


def would_log_token(slug: str, problem: str) -> ValidationError:
    """Return the error of a token that a log would show."""
    return invalid(
        f"The token for {slug} goes into the path of the URL, and {problem} logs and errors.",
        slug=slug,
        fix=f"Use session({slug!r}) of the client, without a mounted adapter.",
    )


def is_plain(url: str) -> bool:
    """True for a URL of http, not https."""
    return urlsplit(url).scheme == "http"


def _rewound(request: PreparedRequest) -> bool:
    """Rewind the body, to send it again. False if that is not possible."""
    body: Any = request.body
    if body is None or isinstance(body, bytes | str):
        return True
    if request._body_position is None:  # type: ignore[attr-defined]  # requests itself reads it
        return not hasattr(body, "read") and iter(body) is not body
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError):  # ValueError: the file was closed
        return False
    return True


def _drain(response: Response) -> None:
    """Give the connection back. A short body stays readable in `response.history`."""
    try:
        if int(response.headers.get("content-length", MAX_DRAINED + 1)) <= MAX_DRAINED:
            _ = response.content
    except (ValueError, RequestException):
        pass  # the status is what matters
    response.close()


def whole_history(response: Response) -> list[Response]:
    """Return the responses before this one, with those that were a 401."""
    whole: list[Response] = []
    for step in [*response.history, response]:
        rejected = step.__dict__.get("rejected")
        if rejected is not None and rejected not in whole:
            whole.append(rejected)
        if step not in whole:
            whole.append(step)
    return whole[:-1]
