"""Faults: what goes wrong with which requests."""

from __future__ import annotations

import json
import math
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from vendo.testing._http.errors import STATUS_OF_CODE, error_response
from vendo.testing._http.messages import Json, Response
from vendo.testing._http.wire import BodyDamage
from vendo.testing._state.surfaces import checked_surface, is_match

_JSON = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Fault:
    """What goes wrong, with which requests, and how many `times` (None: until healed)."""

    surface: str
    slug: str | None = None
    times: int | None = 1
    status: int | None = None
    code: str | None = None
    retry_after: float | str | None = None
    latency: float = 0.0
    reset: bool = False
    reset_after: int | None = None
    truncate: int | None = None
    drip: float = 0.0
    body: Json = field(default=None, repr=False)  # bytes after the check
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    html: bool = False
    malformed: bool = False
    oversize: bool = False
    gzip_bomb: bool = False
    nested: bool = False
    redirect: str | None = None
    close: bool = False

    def __post_init__(self) -> None:
        checked_surface(self.surface)
        if self.times is not None and self.times < 1:
            raise ValueError("times= must be at least 1, or None for every request.")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status= must be between 200 and 599.")
        if self.body is not None:
            self.body = _as_bytes(self.body)

    @property
    def body_damage(self) -> BodyDamage | None:
        """The damage to the response's body, or None."""
        limit = self.reset_after if self.truncate is None else self.truncate
        if limit is None and not self.drip:
            return None
        return BodyDamage(limit, reset=self.truncate is None, drip=self.drip)

    def response(self, surface: str, slug: str | None) -> Response | None:
        """Return the response that replaces the right one, or None to keep the right one."""
        response = self._content()
        if response is not None and surface == "events" and self.body is not None:
            response.headers["Content-Type"] = "text/event-stream"
        if response is None and self._is_an_error():
            status = self.status or STATUS_OF_CODE.get(self.code or "", 400 if self.code else 500)
            response = error_response(
                surface,
                status,
                self.code,
                "LocalVendo.fail() injected this error.",
                slug=slug,
                retry_after=_whole_seconds(self.retry_after),
            )
        if response is not None and self.status is not None:
            return Response(self.status, response.body, response.headers)
        return response

    def decorate(self, response: Response, surface: str) -> None:
        """Add the fault's headers to a response."""
        if self.retry_after is not None:
            response.headers["Retry-After"] = str(self.retry_after)
        if self.code is not None and surface != "provider":
            response.headers["Vendo-Error-Code"] = self.code
        response.headers |= self.headers

    def _is_an_error(self) -> bool:
        other_effects = (
            self.latency, self.drip, self.headers, self.close, self.retry_after is not None,
            self.truncate is not None, self.reset_after is not None,
        )  # fmt: skip
        return self.status is not None or self.code is not None or not any(other_effects)

    def _content(self) -> Response | None:
        if self.redirect is not None:
            return Response(302, b"", {"Location": self.redirect})
        if self.body is not None:
            return Response(200, self.body, dict(_JSON))
        for name, (headers, make) in _CONTENTS.items():
            if getattr(self, name):
                return Response(200, make(), dict(headers))
        return None


class Faults:
    """The active faults, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)

    def heal(self, surface: str | None) -> None:
        """Remove the faults of a surface, or all."""
        with self._lock:
            self._faults = [fault for fault in self._faults if surface not in {None, fault.surface}]

    def take(self, surface: str, slug: str | None) -> Fault | None:
        """Return the fault for a request, and count it as used once."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if is_match(fault.surface, fault.slug, surface, slug):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self._faults.remove(fault)
                    return fault
        return None


def _whole_seconds(wait: float | str | None) -> int | None:
    """Return the `retry_after` of a body, or None for a date and for what is not a time."""
    try:
        seconds = float(wait if wait is not None else "")
    except ValueError:
        return None
    return math.ceil(seconds) if 0 <= seconds < math.inf else None


def _as_bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@cache
def _gzip_bomb() -> bytes:
    """Return 64 MiB of JSON, compressed to 64 KiB."""
    packer = zlib.compressobj(9, wbits=31)
    filler = b" " * (1 << 20)
    return b"".join(
        [*(packer.compress(filler) for _ in range(64)), packer.compress(b"1"), packer.flush()]
    )


_CONTENTS: dict[str, tuple[dict[str, str], Callable[[], bytes]]] = {
    "html": (
        {"Content-Type": "text/html"},
        lambda: b"<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>",
    ),
    "malformed": (_JSON, lambda: b'{"access_token": "cut'),
    "oversize": (_JSON, lambda: b'{"filler":"' + b"x" * (11 << 20) + b'"}'),
    "nested": (_JSON, lambda: b"[" * 100_000 + b"]" * 100_000),
    "gzip_bomb": ({**_JSON, "Content-Encoding": "gzip"}, _gzip_bomb),
}
