"""Faults of every kind in the backend, drawn from a seed."""

from __future__ import annotations

import threading
import time
from random import Random
from typing import TYPE_CHECKING, Any

from soak.world import API_KEY, SLUGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from soak.world import World

#: Average seconds between two faults.
_PACE = 0.04
_SURFACES = ("credentials", "credentials", "api", "data", "events", "provider", "any")

_ECHO = {"error": {"code": API_KEY, "message": f"Unknown: {API_KEY}", "suggested_fix": API_KEY}}
#: Invalid responses with status 200.
_HOSTILE: tuple[Any, ...] = (
    b"",
    "null",
    "[]",
    '"text"',
    "NaN",
    b"\xff\xfe\x00",
    "1" * 5000,
    {"access_token": None},
    {"access_token": ""},
    {"access_token": ["a"]},
    {"access_token": "two\nlines"},
    {"access_token": "a", "expires_at": "soon"},
    {"access_token": "a", "expires_at": 12},
    {"tokens": []},
    {"tokens": dict.fromkeys(SLUGS, "a")},
    {"connections": [{"slug": 1}]},
    {"connections": {}, "integrations": "", "credits_remaining_micros": "1"},
    b"data: " + b"x" * 300_000 + b"\n\nid: 1\ndata: [\n\nevent: \xff\ndata: {}\n\n",
)
_ERRORS: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 502, "code": "upstream_error"},
    {"status": 503, "retry_after": "soon"},
    {"status": 503, "code": "never_heard_of"},
    {"status": 504, "html": True},
    {"status": 429, "retry_after": 1},
    {"status": 429, "code": "upstream_rate_limited", "retry_after": "nan"},
    {"status": 402, "code": "balance_exhausted"},
    {"status": 401, "body": _ECHO},
    {"status": 403, "code": "binding_missing"},
    {"status": 404},
    {"status": 418, "body": {"message": API_KEY}},
)
_TRANSPORT: tuple[dict[str, Any], ...] = (
    {"reset": True},
    {"reset_after": 7},
    {"truncate": 9},
    {"truncate": 0},
    {"close": True},
    {"latency": 0.3},
    {"latency": 4.0},
    {"drip": 0.05},
    {"html": True},
    {"malformed": True},
    {"nested": True},
    {"redirect": "https://127.0.0.1:9/"},  # another host, without a server
    {"redirect": "/nowhere"},
    {"headers": {"Date": "yesterday", "Retry-After": "1e999", "Content-Encoding": "br"}},
)
_LARGE: tuple[dict[str, Any], ...] = ({"oversize": True}, {"gzip_bomb": True})


_wall_clock = time.time


class Chaos:
    """Injects one fault after the other into a server, in its own thread, until it is stopped."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._server = world.server
        self._random = Random(f"{world.seed} chaos")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos")
        self.done = 0
        #: (weight, act).
        self._acts: tuple[tuple[int, Callable[[], object]], ...] = (
            (20, lambda: self._fail(_ERRORS)),
            (24, lambda: self._fail(_TRANSPORT)),
            (10, self._send_hostile),
            (1, lambda: self._fail(_LARGE)),
            (3, self._burst),
            (12, lambda: self._server.rotate(self._slug())),
            (12, lambda: self._server.expire(self._slug(), self._random.choice(world.jwts))),
            (6, self._revoke),
            (2, self._reject_key),
            (2, lambda: self._server.set_balance(self._random.choice([0, 5_000_000]))),
            (2, lambda: self._server.set_clock_offset(self._random.choice([-9e4, 0, 3e3]))),
            (8, lambda: self._server.emit("connection.changed", slug=self._slug())),
            (1, self._server.reset),
            (1, self._restart),
            (3, self._jump),
            (24, self.mend),
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and repair everything."""
        self._stopped.set()
        self._thread.join()
        self._start()
        self.mend()

    def mend(self) -> None:
        """Undo the faults that do not end by themselves."""
        server = self._server
        server.heal()
        server.restore_key()
        server.set_clock_offset(0)
        time.time = _wall_clock
        server.set_balance(5_000_000)
        connections = server._service.state.connections
        for slug in SLUGS:
            connection = connections.get(slug)
            if connection is None:
                server.connect(slug)
            elif connection.status != "connected":
                server.set_status(slug, "connected")

    def _run(self) -> None:
        weights, acts = zip(*self._acts, strict=True)
        while not self._stopped.wait(self._random.random() * 2 * _PACE):
            try:
                self._random.choices(acts, weights)[0]()
            except KeyError:
                pass  # the connection was removed before
            except ValueError:
                pass  # no token is available now
            self.done += 1

    def _slug(self) -> str:
        return self._random.choice(SLUGS)

    def _fail(self, faults: tuple[dict[str, Any], ...], times: int = 2) -> None:
        surface = self._random.choice(_SURFACES)
        self._server.fail(
            surface, times=self._random.randint(1, times), **self._random.choice(faults)
        )

    def _burst(self) -> None:
        """An outage: a whole API fails until it is mended."""
        self._server.fail(
            self._random.choice(_SURFACES), self._random.choice([500, 502, 503, 504]), times=None
        )

    def _send_hostile(self) -> None:
        surface = self._random.choice(_SURFACES[:5])  # a provider may send anything
        if self._random.random() < 0.1:
            self._server.fail(surface, redirect="http://[")
        else:
            self._server.fail(surface, 200, body=self._random.choice(_HOSTILE))

    def _revoke(self) -> None:
        if self._random.random() < 0.3:
            self._server.disconnect(self._slug())
        else:
            statuses = ["needs_reauth", "revoked", "error", "available"]
            self._server.set_status(self._slug(), self._random.choice(statuses))

    def _reject_key(self) -> None:
        self._server.revoke_key(self._random.choice(["app_unknown", "app_revoked", "app_expired"]))

    def _jump(self) -> None:
        """Set the wall clock of the process, for a moment."""
        offset = self._random.choice([-7200.0, -30.0, 4.0, 30.0, 7200.0])
        time.time = lambda: _wall_clock() + offset

    def _restart(self) -> None:
        self._server.stop()
        self._stopped.wait(self._random.random() * 0.3)
        self._start()

    def _start(self) -> None:
        """Listen again, once no child of a raw fork has a copy of the old listener."""
        while True:
            try:
                self._server.start()
            except OSError:
                time.sleep(0.05)
            else:
                return
