"""One call to the backend: headers, retries within a deadline, and the error when it fails."""

from __future__ import annotations

import time
from functools import lru_cache

import vendo
from vendo._protocol import JWT_HEADER, decoding
from vendo._protocol.error_responses import error_of, is_lasting
from vendo._protocol.origins import origin_of
from vendo._protocol.retry import RETRYABLE_STATUSES, RetryPolicy, retry_after
from vendo._protocol.steps import Pause, Request
from vendo.errors import UpstreamConnectionError, ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from vendo._protocol.steps import Flow, Response

    class Failure(Protocol):
        """Makes the error out of an answer whose status is no success."""

        def __call__(
            self, response: Response, *, slug: str | None, secrets: Iterable[str]
        ) -> VendoError: ...


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


class Caller:
    """Who calls, and how patiently: what every call of a client has in common."""

    __slots__ = ("api_key", "api_version", "retry", "timeout", "user_jwt")

    def __init__(
        self,
        api_key: str | None,
        user_jwt: str | None,
        *,
        timeout: float,
        retry: RetryPolicy,
        api_version: str,
    ) -> None:
        self.api_key = api_key
        self.user_jwt = user_jwt
        self.timeout = timeout
        self.retry = retry
        self.api_version = api_version

    def __repr__(self) -> str:
        return f"<Caller timeout={self.timeout} {self.retry!r}>"

    def secrets(self) -> list[str]:
        """What no error text may repeat."""
        return [secret for secret in (self.api_key, self.user_jwt) if secret]

    def headers(self) -> dict[str, str]:
        """The headers of every call (wire contract, "Keys and headers")."""
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": user_agent(),
            "Vendo-API-Version": self.api_version,
        }
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        if self.user_jwt:
            headers[JWT_HEADER] = self.user_jwt
        return headers


@lru_cache(maxsize=1)
def user_agent() -> str:
    """What names this library and its Python to the backend."""
    import sys

    return (
        f"vendo-sdk-python/{vendo.__version__} python/{sys.version_info[0]}.{sys.version_info[1]}"
    )


def call(
    caller: Caller,
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    idempotency_key: str | None = None,
    slug: str | None = None,
    attempts: int | None = None,
    failure: Failure = error_of,
) -> Flow[Response]:
    """Send one request until it is answered, and return the answer of status 2xx.

    Network failures and 500, 502, 503, 504 are tried again as the caller's policy says, never
    beyond its time-out, which counts pauses too. A write keeps its idempotency key over the tries.

    `slug` is what the call is about, for the error, which `failure` makes out of an answer whose
    status is no success. `attempts` is how often to try, where it is not for the policy to say.

    Raises:
        VendoError: as the answer says, or `UpstreamError` where there was none.
    """
    deadline = time.monotonic() + caller.timeout
    headers = caller.headers()
    if method != "GET":
        headers["Idempotency-Key"] = _idempotency_key(idempotency_key)
        headers["Content-Type"] = "application/json"

    last = attempts or caller.retry.attempts
    attempt = 1
    while True:
        floor = 0.0
        try:
            response = yield from _exchange(method, url, headers, body, deadline)
        except UpstreamConnectionError as unanswered:
            if attempt >= last:
                raise
            error: VendoError = unanswered
        else:
            if 200 <= response.status < 300:
                return response
            error = failure(response, slug=slug, secrets=caller.secrets())
            if response.status not in RETRYABLE_STATUSES or is_lasting(error) or attempt >= last:
                raise error
            floor = retry_after(response.headers) or 0.0
        pause = max(floor, caller.retry.pause(attempt))
        if time.monotonic() + pause >= deadline:
            raise error
        yield Pause(pause)
        attempt += 1


def _exchange(
    method: str, url: str, headers: dict[str, str], body: bytes | None, deadline: float
) -> Flow[Response]:
    """One try: a request, and the redirects of its answer that stay at the same origin."""
    for _ in range(_MOST_REDIRECTS + 1):
        remaining = deadline - time.monotonic()
        response: Response = yield Request(
            method, url, headers, body, max(remaining, 0.001), decoding.MAX_BYTES
        )
        if response.status not in _REDIRECTS:
            return response
        url = _redirected(method, url, response)
    raise decoding.malformed("redirects in a circle", response)


def _redirected(method: str, url: str, response: Response) -> str:
    from urllib.parse import urljoin, urlsplit

    try:
        target = urljoin(url, response.headers.get("location", ""))
        # User info would take the key's place in the Authorization header.
        elsewhere = origin_of(target) != origin_of(url) or "@" in urlsplit(target).netloc
    except ValueError:
        raise decoding.malformed("redirects to an address that is none", response) from None
    if elsewhere:
        raise decoding.malformed("redirects to another origin, where the key must not go", response)
    if method != "GET" and response.status not in {307, 308}:
        raise decoding.malformed("redirects a write", response)
    return target


def _idempotency_key(given: str | None) -> str:
    if given is None:
        from uuid import uuid4

        return str(uuid4())
    if (
        not isinstance(given, str)
        or not given
        or not given.isascii()
        or not given.isprintable()
        or len(given) > 255
    ):
        raise ValidationError(
            "validation_failed",
            "The idempotency key is no printable ASCII text of up to 255 characters.",
            suggested_fix="Leave it out: each call then gets a fresh one.",
        )
    return given
