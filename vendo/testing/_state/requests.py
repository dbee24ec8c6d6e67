"""Record the requests that the server receives."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from vendo._catalog import catalog
from vendo.testing._http.messages import Headers

MOST_REQUESTS = 10_000
_MOST_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """Describe a request that the local server received. Its `repr` hides headers, query and body.

    Attributes:
        method: in upper case.
        path: as sent, percent-encoded, without the query.
        query: the decoded query. The last value of a name wins.
        raw_query: the query as sent.
        headers: by case-insensitive name.
        body: the bytes of the body, without a chunked coding.
        surface: `credentials`, `api`, `events`, `data`, `provider` or `pages`.
        slug: the provider that the request concerns, or None.

    Example:
        ```python
        from vendo.testing import LocalVendo

        with LocalVendo(["openai"]) as server:
            server.client().token("openai")
            request = server.requests[-1]
            print(request.method, request.path, request.surface, request.slug)
        ```
    """

    method: str
    path: str
    query: Mapping[str, str] = field(hash=False)
    raw_query: str = field(repr=False)
    headers: Headers = field(hash=False)
    body: bytes
    surface: str
    slug: str | None

    def __repr__(self) -> str:
        provider = catalog.provider(self.slug) if self.slug else None
        in_path = self.surface == "provider" and provider is not None and provider.path
        path = f"/providers/{self.slug}/***" if in_path else self.path
        return f"<SeenRequest {self.method} {path} ({self.surface})>"


class RequestLog:
    """Keep the latest requests and drop the oldest when there are too many."""

    def __init__(self) -> None:
        self._requests: deque[SeenRequest] = deque()
        self._bytes = 0
        self._arrived = threading.Condition()  # re-entrant: `wait_for` counts inside

    def add(self, request: SeenRequest) -> None:
        """Record a request and wake the threads that wait for it."""
        with self._arrived:
            self._requests.append(request)
            self._bytes += len(request.body)
            while len(self._requests) > MOST_REQUESTS or self._bytes > _MOST_BYTES:
                self._bytes -= len(self._requests.popleft().body)
            self._arrived.notify_all()

    def all(self) -> list[SeenRequest]:
        """Return all requests, oldest first."""
        with self._arrived:
            return list(self._requests)

    def clear(self) -> None:
        """Drop all requests."""
        with self._arrived:
            self._requests.clear()
            self._bytes = 0

    def count(self, surface: str | None, slug: str | None, method: str | None) -> int:
        """Count the requests, optionally of one surface, slug and method."""
        return sum(
            1
            for request in self.all()
            if (surface is None or request.surface == surface)
            and (slug is None or request.slug == slug)
            and (method is None or request.method == method)
        )

    def wait_for(self, n: int, surface: str | None, timeout: float) -> None:
        """Block until there are `n` requests.

        Raises:
            TimeoutError: there are fewer after `timeout` seconds.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self.count(surface, None, None) >= n, timeout):
                received = self.count(surface, None, None)
                raise TimeoutError(f"Received {received} of {n} requests within {timeout} s.")
