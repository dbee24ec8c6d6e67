"""One call to the backend: headers, retries within a deadline, errors.

What a call without a user and without a failure does not need is imported where it is used.
"""

from __future__ import annotations

from functools import lru_cache

import vendo
from vendo._protocol import decoding
from vendo._protocol.codes import is_retryable
from vendo._protocol.moments import elapsed
from vendo._protocol.origins import origin_of
from vendo._protocol.recordings import mask_in_yaml
from vendo._protocol.retry import RetryPolicy, retry_after
from vendo._protocol.secret import WireSecret
from vendo._protocol.steps import Pause, Request
from vendo.errors import UpstreamConnectionError, VendoError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from vendo._protocol.secret import Secret
    from vendo._protocol.steps import Flow, Response

    class Failure(Protocol):
        """Makes the error for a response whose status is not a success."""

        def __call__(
            self, response: Response, *, slug: str | None, secrets: Iterable[str]
        ) -> VendoError: ...


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


class Caller:
    """What all calls of a client have in common: credentials, time-out, retries."""

    __slots__ = ("api_key", "api_version", "retry", "timeout", "user_jwt")

    def __init__(
        self,
        api_key: Secret | None,
        user_jwt: Secret | None,
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

    def within(self, seconds: float) -> Caller:
        """Return a caller whose calls take no longer than this."""
        return Caller(
            self.api_key,
            self.user_jwt,
            timeout=min(self.timeout, seconds),
            retry=self.retry,
            api_version=self.api_version,
        )

    def secrets(self) -> list[Secret]:
        """Return the texts that must not appear in an error."""
        return [secret for secret in (self.api_key, self.user_jwt) if secret]

    def headers(self) -> dict[str, str]:
        """Return the headers of every call (wire contract, "Keys and headers")."""
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": user_agent(),
            "Vendo-API-Version": self.api_version,
        }
        mask_in_yaml()
        if self.api_key:
            headers["Authorization"] = WireSecret(f"Bearer {self.api_key.reveal()}", self.api_key)
        if self.user_jwt:
            from vendo._protocol.headers import JWT_HEADER

            headers[JWT_HEADER] = WireSecret(self.user_jwt.reveal(), self.user_jwt)
        return headers


@lru_cache(maxsize=1)
def user_agent() -> str:
    """Return the name of this library and its Python, for the backend."""
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
    failure: Failure | None = None,
) -> Flow[Response]:
    """Send one request, with retries, and return the response of status 2xx.

    `is_retryable` decides what is sent again, within the caller's time-out. A write keeps its
    idempotency key over the attempts.

    Args:
        caller: the credentials, the time-out in seconds and the policy.
        method: the HTTP method.
        url: the whole URL.
        body: the body, in JSON.
        idempotency_key: of a write; a fresh one by default.
        slug: the provider, for the error.
        attempts: how often to try at most, in place of the policy's number.
        failure: makes the error for a response whose status is not a success, in place of
            `error_of`.

    Raises:
        VendoError: the error of the response, or `UpstreamError` without a response.
    """
    deadline = elapsed() + caller.timeout
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
        except UpstreamConnectionError as broken:
            error: VendoError = broken
        else:
            if 200 <= response.status < 300:
                return response
            if failure is None:
                from vendo._protocol.error_responses import error_of

                failure = error_of
            error = failure(response, slug=slug, secrets=caller.secrets())
            floor = retry_after(response.headers) or 0.0
        pause = max(floor, caller.retry.pause(attempt))
        is_last = attempt >= last or elapsed() + pause >= deadline
        if is_last or not is_retryable(error):
            raise error
        yield Pause(pause)
        attempt += 1


def _exchange(
    method: str, url: str, headers: dict[str, str], body: bytes | None, deadline: float
) -> Flow[Response]:
    """Make one attempt: a request, and its redirects within the same origin."""
    for _ in range(_MOST_REDIRECTS + 1):
        remaining = deadline - elapsed()
        response: Response = yield Request(
            method, url, headers, body, max(remaining, 0.001), decoding.MAX_BYTES
        )
        if response.status not in _REDIRECTS:
            return response
        url = _redirected(method, url, response)
    raise decoding.malformed("redirects too often", response)


def _redirected(method: str, url: str, response: Response) -> str:
    from urllib.parse import urljoin, urlsplit

    try:
        target = urljoin(url, response.headers.get("location", ""))
        # User info would replace the key in the Authorization header.
        elsewhere = origin_of(target) != origin_of(url) or "@" in urlsplit(target).netloc
    except ValueError:
        raise decoding.malformed("redirects to a malformed address", response) from None
    if elsewhere:
        raise decoding.malformed(
            "redirects to another origin, and the key is not sent there", response
        )
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
        raise invalid(
            "idempotency_key= must be a printable ASCII text of up to 255 characters.",
            fix="Leave it out: each call then gets a fresh one.",
        )
    return given
