"""Idempotency keys: a repeated write gets the response of the first one."""

from __future__ import annotations

import hashlib
from threading import Lock

from vendo.testing._http.errors import error_response
from vendo.testing._http.messages import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing._http.messages import Request

_MOST_KEYS = 10_000


class IdempotencyKeys:
    """The responses to the writes of each key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, _Entry] = {}

    def respond(self, request: Request, run: Callable[[], Response]) -> Response:
        """Return the response of `run`, or the earlier one of the same `Idempotency-Key`.

        Only a success is kept: a write that failed may be tried again.
        """
        key = request.headers.get("idempotency-key")
        if not key:
            return run()
        with self._lock:
            entry = self._entries.setdefault(key, _Entry(_fingerprint(request)))
            if len(self._entries) > _MOST_KEYS:
                del self._entries[next(iter(self._entries))]
        if entry.fingerprint != _fingerprint(request):
            return error_response(
                "data", 409, "idempotency_conflict", "The key was used for another request."
            )
        with entry.lock:  # of two concurrent requests, the second gets the first one's response
            if entry.response is not None:
                kept = entry.response
                headers = {**kept.headers, "Idempotency-Replayed": "true"}
                return Response(kept.status, kept.body, headers)
            response = run()
            if response.status < 300:
                entry.response = response
            return response


class _Entry:
    __slots__ = ("fingerprint", "lock", "response")

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self.lock = Lock()
        self.response: Response | None = None


def _fingerprint(request: Request) -> bytes:
    caller = (request.headers.get("authorization", ""), request.headers.get("x-vendo-user-jwt", ""))
    head = f"{request.method} {request.path} {caller}".encode()
    return hashlib.sha256(head + b"\0" + request.body).digest()
