"""An authenticated `requests.Session`: relative URLs, a time-out, and no proxy for plain http.

The `send` of the session and of its adapters adds to that of requests, and calls it. So adapters,
patches and hooks of other libraries keep working.
"""

from __future__ import annotations

import copy
import sys
from collections import OrderedDict
from urllib.parse import urlsplit

import requests

from vendo._protocol.secret import WireSecret
from vendo._protocol.tracebacks import cut_tracebacks
from vendo._sessions.policy import policy_of
from vendo._sessions.requests_adapter import SharedAdapter, shared_adapter
from vendo._sessions.requests_auth import (
    VendoAuth,
    Watch,
    is_plain,
    whole_history,
    would_log_token,
)
from vendo._sessions.requests_path import PathAdapter, sends_targets, target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from requests import PreparedRequest, Response

    from vendo._sessions.policy import Policy
    from vendo._sessions.token_source import TokenSource


class VendoSession(requests.Session):
    """A `requests.Session` for one provider.

    Attributes:
        timeout: seconds for connecting, and between two pieces of a response, unless a request
            sets its own; None for no limit.
    """

    __attrs__ = [*requests.Session.__attrs__, "_client", "_policy", "timeout"]

    def __init__(self, client: TokenSource, policy: Policy) -> None:
        super().__init__()
        self._client = client
        self._policy = policy
        self.timeout: float | tuple[float, float] | None = client.timeout
        self.auth = self._own_auth()
        adapter = _adapter_for(client, policy)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def __repr__(self) -> str:
        return f"<VendoSession {self._policy.slug!r}>"

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
        shared = _adapter_for(self._client, self._policy)
        for prefix, adapter in adapters.items():
            self.mount(prefix, shared if adapter is None else adapter)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Response:
        """Do as requests does, with a relative URL, and a default time-out."""
        if len(args) < 7:  # the seventh is the time-out
            kwargs.setdefault("timeout", self.timeout)
        return super().request(method, url, *args, **kwargs)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Do as requests does, with a default time-out. Redirects are sent with it too."""
        kwargs.setdefault("timeout", self.timeout)
        url = self._policy.route(request.url or "")
        if url != request.url:  # prepared elsewhere, or a redirect without `VendoAuth`
            request = request.copy()
            request.url = url
        if self._policy.override and self._has_foreign_credential(request):
            request = request.copy()
            others = [hook for hook in request.hooks["response"] if not isinstance(hook, Watch)]
            request.hooks = {**request.hooks, "response": others}
            request = self._checked(self._own_auth()(request))
        if is_plain(url):
            kwargs.setdefault("proxies", dict(self.proxies))
        handled = sys.exception()
        try:
            response = super().send(request, **kwargs)
        except BaseException as error:
            cut_tracebacks(error, handled)
            raise
        if response.history:
            response.history = whole_history(response)
        return response

    def prepare_request(self, request: requests.Request) -> PreparedRequest:
        """Do as requests does, with a URL that may be relative."""
        url = request.url
        text = url.decode() if isinstance(url, bytes) else str(url)
        absolute = self._policy.resolve(text)
        if absolute is not text:
            request = copy.copy(request)
            request.url = absolute
        return self._checked(super().prepare_request(request))

    def _has_foreign_credential(self, request: PreparedRequest) -> bool:
        """True if `VendoAuth` did not see a request, or a credential was put on it since then."""
        if not any(isinstance(hook, Watch) for hook in request.hooks["response"]):
            return True
        names = self._policy.placement.secret_headers
        found = (request.headers.get(name) for name in names)
        return any(not isinstance(value, WireSecret) for value in found if value is not None)

    def _own_auth(self) -> VendoAuth:
        return VendoAuth(self._client, self._policy.slug, policy=self._policy)

    def _checked(self, request: PreparedRequest) -> PreparedRequest:
        """Check that a mounted adapter does not log a token in the path."""
        if target_of(request) is not None and not sends_targets(
            self.get_adapter(request.url or "")
        ):
            raise would_log_token(self._policy.slug, "a mounted adapter writes it into")
        return request

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Do as requests does, without a proxy of the environment for plain http.

        Plain http goes only to this machine, and a proxy elsewhere would see the token.
        """
        own = {**self.proxies, **(proxies or {})}
        given = dict(_without_environment(url, proxies) or {})
        settings = super().merge_environment_settings(url, given, stream, verify, cert)
        found = settings["proxies"]
        settings["proxies"] = own
        if not is_plain(url):
            if "https" in found:
                own["https"] = found["https"]
            elif "all" in found and "all" not in own:
                own["https"] = found["all"]
        return settings

    def rebuild_proxies(self, prepared_request: PreparedRequest, proxies: Any) -> Any:
        """Do the same for the request of a redirect."""
        url = prepared_request.url or ""
        found = super().rebuild_proxies(prepared_request, _without_environment(url, proxies))  # type: ignore[no-untyped-call]  # of requests
        return dict(proxies or {}) if is_plain(url) else found

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Put on the request of a redirect what may be sent to its host."""
        for hook in prepared_request.hooks["response"]:
            if isinstance(hook, Watch):
                hook.rebuild(prepared_request, response.request.url or "")
                self._checked(prepared_request)
                return
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]  # of requests


def make_session(
    client: TokenSource,
    slug: str,
    *,
    hosts: Sequence[str] = (),
    base_url: str | None = None,
    override: bool = False,
) -> VendoSession:
    """Make a session over the shared connections of a client."""
    return VendoSession(client, policy_of(client, slug, hosts, base_url, override=override))


def _adapter_for(client: TokenSource, policy: Policy) -> SharedAdapter:
    is_in_path = policy.placement.header is None
    return shared_adapter(client, PathAdapter if is_in_path else SharedAdapter)


def _without_environment(url: str, proxies: Any) -> Any:
    """Return the caller's proxies; for plain http, requests adds none of the environment."""
    return {**(proxies or {}), "no_proxy": urlsplit(url).hostname} if is_plain(url) else proxies
