"""Faults and gates: what a test tells the server to do wrong, and where it tells it to wait."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self

from vendo.testing._errors import STATUS_OF_CODE, error_response
from vendo.testing._http import Json, Response

SURFACES = ("credentials", "api", "data", "events", "provider", "pages", "any")

_JSON = {"Content-Type": "application/json"}


def checked_surface(surface: str) -> str:
    """The name of a surface.

    Raises:
        ValueError: there is none of that name.
    """
    if surface not in SURFACES:
        raise ValueError(f"There is no surface {surface!r}; there are {', '.join(SURFACES)}.")
    return surface


def _matches(surface: str, slug: str | None, seen_surface: str, seen_slug: str | None) -> bool:
    return surface in {"any", seen_surface} and slug in {None, seen_slug}


@dataclass(slots=True)
class Fault:
    """What is to go wrong, on which requests, and `times` how often (None: until healed)."""

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
    body: Json = field(default=None, repr=False)  # bytes once it is checked
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
            raise ValueError("times= takes a number from 1 on, or None for every request.")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status= takes a number from 200 to 599.")
        if self.body is not None:
            self.body = _as_bytes(self.body)

    @property
    def harms_the_body(self) -> bool:
        """True where the body does not go out whole and at once."""
        return self.truncate is not None or self.reset_after is not None or bool(self.drip)

    def answer(self, surface: str, slug: str | None) -> Response | None:
        """What is answered in place of the right answer; None where that one is given."""
        response = self._content()
        if response is not None and surface == "events" and self.body is not None:
            response.headers["Content-Type"] = "text/event-stream"
        if response is None and self._is_an_error():
            status = self.status or STATUS_OF_CODE.get(self.code or "", 400 if self.code else 500)
            response = error_response(
                surface, status, self.code, "The local server was told to fail here.", slug=slug
            )
        if response is not None and self.status is not None:
            return Response(self.status, response.body, response.headers)
        return response

    def decorate(self, response: Response, surface: str) -> None:
        """Put the fault's headers on an answer."""
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
    """The faults that are in force, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put one more in force."""
        with self._lock:
            self._faults.append(fault)

    def heal(self, surface: str | None) -> None:
        """Lift those of a surface, or all."""
        with self._lock:
            self._faults = [fault for fault in self._faults if surface not in {None, fault.surface}]

    def take(self, surface: str, slug: str | None) -> Fault | None:
        """The fault that befalls this request, counted as done once."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if _matches(fault.surface, fault.slug, surface, slug):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self._faults.remove(fault)
                    return fault
        return None


class Gate:
    """Holds the requests that match, each on the server, until it is released.

    A context manager: the gate is released at the end.
    """

    def __init__(self, surface: str, slug: str | None = None) -> None:
        self._surface = checked_surface(surface)
        self._slug = slug
        self._changed = threading.Condition()
        self._waiting = 0
        self._open = False

    def __repr__(self) -> str:
        return f"<Gate {self._surface}, {self._waiting} waiting>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def waiting(self) -> int:
        """How many requests wait now."""
        return self._waiting

    def wait_for(self, n: int = 1, timeout: float = 10.0) -> None:
        """Block until `n` requests wait.

        Raises:
            TimeoutError: fewer did after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting >= n, timeout):
                raise TimeoutError(f"{self._waiting} requests of {n} wait after {timeout} s.")

    def release(self) -> None:
        """Let go of those who wait, and hold nobody from now on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    @property
    def is_open(self) -> bool:
        """True once it was released."""
        return self._open

    def hold(self, surface: str, slug: str | None) -> None:
        """Wait here where this request matches. For the server's threads."""
        if self._open or not _matches(self._surface, self._slug, surface, slug):
            return
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open)
            self._waiting -= 1


class Gates:
    """The gates that hold requests at present."""

    def __init__(self) -> None:
        self._gates: list[Gate] = []

    def add(self, gate: Gate) -> Gate:
        """Put up one more."""
        self._gates = [gate, *(other for other in self._gates if not other.is_open)]
        return gate

    def hold(self, surface: str, slug: str | None) -> None:
        """Wait at each gate in turn that this request matches."""
        for gate in self._gates:
            gate.hold(surface, slug)

    def release_all(self) -> None:
        """Let everybody go."""
        for gate in self._gates:
            gate.release()


def _as_bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@cache
def _gzip_bomb() -> bytes:
    """64 MiB of JSON in 64 KiB."""
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
