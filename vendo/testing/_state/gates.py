"""Gates: hold requests on the server until a test releases them."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from vendo.testing._state.surfaces import checked_surface, is_match


class Gate:
    """Hold every matching request on the server until the gate is released.

    It is a context manager that releases the gate at the end.
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
        """The number of requests that wait now."""
        return self._waiting

    def wait_for(self, n: int = 1, timeout: float = 10.0) -> None:
        """Block until `n` requests wait.

        Raises:
            TimeoutError: fewer requests wait after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting >= n, timeout):
                raise TimeoutError(f"{self._waiting} of {n} requests wait after {timeout} s.")

    def release(self) -> None:
        """Release the waiting requests, and hold no more from now on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    @property
    def is_open(self) -> bool:
        """True after the release."""
        return self._open

    def hold(self, surface: str, slug: str | None) -> None:
        """Block the thread of a matching request until the release."""
        if self._open or not is_match(self._surface, self._slug, surface, slug):
            return
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open)
            self._waiting -= 1


class Gates:
    """The closed gates."""

    def __init__(self) -> None:
        self._gates: list[Gate] = []

    def add(self, gate: Gate) -> Gate:
        """Add a gate."""
        self._gates = [gate, *(other for other in self._gates if not other.is_open)]
        return gate

    def hold(self, surface: str, slug: str | None) -> None:
        """Block the thread of a request at each matching gate in turn."""
        for gate in self._gates:
            gate.hold(surface, slug)

    def release_all(self) -> None:
        """Release every gate."""
        for gate in self._gates:
            gate.release()
