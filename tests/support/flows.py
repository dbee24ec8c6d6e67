"""Drive a flow of the protocol with scripted responses: no socket, no waiting."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from vendo._protocol.calls import Caller
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import masked
from vendo._protocol.steps import Pause, Request, Response
from vendo.errors import UpstreamTimeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendo._protocol.steps import Flow

    _T = TypeVar("_T")

KEY = "vendo_sk_" + "k" * 32
JWT = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
BASE = "https://vendo.example"


@dataclass
class Clock:
    """A clock for flows that look at it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Script:
    """Serve the requests of a flow one by one, and record them.

    A result is a `Response`, an error to throw in, or a pair: seconds that pass first, and one of
    the two. A result that comes later than the request allows becomes a time-out.
    """

    results: list[Any]
    clock: Clock = field(default_factory=Clock)
    requests: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def run(self, flow: Flow[_T]) -> _T:
        outcome: Any = None
        failure: Exception | None = None
        try:
            while True:
                step = flow.throw(failure) if failure is not None else flow.send(outcome)
                outcome = failure = None
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    self.clock.now += step.seconds
                    continue
                assert isinstance(step, Request)
                self.requests.append(step)
                result = self.results.pop(0)
                if isinstance(result, tuple):
                    passing, result = result
                    self.clock.now += min(passing, step.timeout)
                    if passing > step.timeout:
                        result = UpstreamTimeout("upstream_error", "No response in time.")
                if isinstance(result, Exception):
                    failure = result
                else:
                    outcome = result
        except StopIteration as end:
            returned: _T = end.value
            return returned


def caller(
    *,
    api_key: str | None = KEY,
    user_jwt: str | None = None,
    timeout: float = 30.0,
    retry: RetryPolicy | None = None,
) -> Caller:
    return Caller(
        masked(api_key),
        masked(user_jwt),
        timeout=timeout,
        retry=retry or RetryPolicy(),
        api_version="2026-05-02",
    )


def response(status: int = 200, body: object = None, **headers: str) -> Response:
    """Build a response. `Retry_After="3"` is the header `retry-after: 3`; any body but bytes is
    written as JSON.
    """
    content = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    return raw_response(
        status, content, {name.replace("_", "-").lower(): text for name, text in headers.items()}
    )


def raw_response(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    return Response(status, {name.lower(): text for name, text in headers.items()}, body)
