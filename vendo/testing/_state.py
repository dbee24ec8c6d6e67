"""Everything about the local server that a reset brings back: it is thrown away and made anew."""

from __future__ import annotations

import base64
import hmac
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vendo.testing._actions import Actions, IdempotentAnswers
from vendo.testing._connections import Connections
from vendo.testing._errors import Refusal
from vendo.testing._faults import Faults, Gates
from vendo.testing._seen import SeenRequests
from vendo.testing._streams import EventHub
from vendo.testing._wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vendo.testing._http import Headers

KEY_PREFIX = "vendo_sk_"
_KEY_REFUSALS = ("app_unknown", "app_revoked", "app_expired")


@dataclass(frozen=True, slots=True, repr=False)
class Beginning:
    """What a server was made with."""

    api_key: str
    secret: bytes
    connections: Mapping[str, Mapping[str, Any]]
    token_lifetime: float | None
    balance: int
    daily_cap: int | None
    monthly_cap: int | None
    heartbeat: float
    retry: float | None


class State:
    """The server between two resets. A request keeps the one that it came in under."""

    def __init__(self, beginning: Beginning, first_event: int = 1) -> None:
        self._beginning = beginning
        self._key_refusal: str | None = None
        self.ended = threading.Event()
        self.clock_offset = 0.0
        self.connections_opened = 0
        self.connections = Connections(
            beginning.connections, beginning.secret, beginning.token_lifetime
        )
        self.events = EventHub(self.now, beginning.heartbeat, beginning.retry, first_event)
        self.wallet = Wallet(
            beginning.balance,
            beginning.daily_cap,
            beginning.monthly_cap,
            self.now,
            self.events.emit,
        )
        self.actions = Actions()
        self.idempotent = IdempotentAnswers()
        self.faults = Faults()
        self.gates = Gates()
        self.seen = SeenRequests()

        self._lock = threading.Lock()

    def count_connection(self) -> None:
        """One more TCP connection was opened."""
        with self._lock:
            self.connections_opened += 1

    def connect(self, slug: str, options: Mapping[str, Any]) -> None:
        """Make a connection, or make it anew, and tell so in an event."""
        before = self.connections.get(slug)
        renewed = before is not None and before.status == "connected"
        connection = self.connections.put(slug, options)
        if connection.status == "connected":
            kind = "connection.changed" if renewed else "connection.connected"
            self.events.emit(kind, slug=slug, connection_id=connection.id)

    def connect_again(self, slug: str) -> None:
        """Connect as a person does: what the connection was made of stays, where there was one."""
        before = self.connections.get(slug)
        options = dict(before.options) if before is not None else {}
        for passing in ("status", "token", "error_message", "connected_at", "setup_url"):
            options.pop(passing, None)
        self.connect(slug, options)

    def disconnect(self, slug: str) -> None:
        """Take a connection away and tell so. KeyError where there is none."""
        connection = self.connections.remove(slug)
        self.events.emit("connection.disconnected", slug=slug, connection_id=connection.id)

    def set_status(self, slug: str, status: str) -> None:
        """Give a connection another status and tell so. KeyError where there is none."""
        connection = self.connections.of(slug)
        connection.status = status
        self.events.emit(
            "connection.status_changed", slug=slug, connection_id=connection.id, status=status
        )

    def ticket(self, *parts: str) -> str:
        """What proves that this server has written these texts into a page or a link itself."""
        text = "\0".join(parts).encode()
        return hmac.new(self._beginning.secret, text, "sha256").hexdigest()

    def is_ticket(self, ticket: str, *parts: str) -> bool:
        """True where `ticket(*parts)` gave this."""
        return self._is_same(ticket, self.ticket(*parts))

    def now(self) -> float:
        """Unix seconds by the server's clock."""
        return time.time() + self.clock_offset

    def end(self) -> None:
        """Let go of every request that is held, slowed or streaming."""
        self.ended.set()
        self.gates.release_all()
        self.events.close()

    def resume(self) -> None:
        """Serve again after an end."""
        self.ended.clear()
        self.events.open()

    def refuse_key(self, code: str | None) -> None:
        """Refuse every key with this code, or accept the good ones again.

        Raises:
            ValueError: no code that the contract has for keys.
        """
        if code is not None and code not in _KEY_REFUSALS:
            raise ValueError(f"A key is refused with {', '.join(_KEY_REFUSALS)}; not {code!r}.")
        self._key_refusal = code

    def connection_key(self, slug: str) -> str:
        """The key that is locked to one connection."""
        digest = hmac.digest(self._beginning.secret, f"key {slug}".encode(), "sha256")
        return KEY_PREFIX + base64.urlsafe_b64encode(digest).decode()[:32]

    def reach_of(self, headers: Headers) -> str | None:
        """The one slug that the request's key may reach, or None for an app key: all of them.

        Raises:
            Refusal: no key, or one that is not accepted.
        """
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refusal("app_unknown", "The request has no API key.")
        return self.reach_of_key(key.strip())

    def reach_of_key(self, key: str) -> str | None:
        """The same for a key by itself."""
        if self._is_same(key, self._beginning.api_key):
            self._refuse_if_told()
            return None
        for connection in self.connections.all():
            if self._is_same(key, self.connection_key(connection.slug)):
                self._refuse_if_told()
                return connection.slug
        raise Refusal("app_unknown", "The API key is unknown.")

    def opens_pool(self, slug: str, headers: Headers) -> bool:
        """True where the platform's proxy lets a request through to a provider on its key alone:
        the provider is connected from the managed pool, and the key may reach it.
        """
        connection = self.connections.get(slug)
        if connection is None or connection.profile != "vendo_managed_pool":
            return False
        try:
            return connection.status == "connected" and self.reach_of(headers) in {None, slug}
        except Refusal:
            return False

    def _refuse_if_told(self) -> None:
        if self._key_refusal is not None:
            raise Refusal(self._key_refusal, "The API key is no longer accepted.")

    @staticmethod
    def _is_same(key: str, other: str) -> bool:
        return hmac.compare_digest(key.encode("utf-8", "replace"), other.encode())
