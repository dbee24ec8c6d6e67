"""The state of the local server between two resets."""

from __future__ import annotations

import base64
import hmac
import threading
import time
from dataclasses import dataclass

from vendo.testing._http.errors import ApiError
from vendo.testing._state.actions import Actions
from vendo.testing._state.connections import Connections
from vendo.testing._state.events import EventHub
from vendo.testing._state.faults import Faults
from vendo.testing._state.gates import Gates
from vendo.testing._state.idempotency import IdempotencyKeys
from vendo.testing._state.profiles import POOL
from vendo.testing._state.requests import RequestLog
from vendo.testing._state.responses import Responses
from vendo.testing._state.wallet import Wallet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vendo.testing._http.messages import Headers
    from vendo.testing._state.actions import Action
    from vendo.testing._state.connections import Connection
    from vendo.testing._state.own_tokens import OwnTokens

KEY_PREFIX = "vendo_sk_"
_KEY_ERRORS = ("app_unknown", "app_revoked", "app_expired")


@dataclass(frozen=True, slots=True, repr=False)
class Options:
    """The options that a server starts with."""

    api_key: str
    secret: bytes
    connections: Mapping[str, Mapping[str, Any]]
    token_lifetime: float | None
    balance: int
    daily_cap: int | None
    monthly_cap: int | None
    heartbeat: float
    retry: float | None
    actions: Mapping[str, Action]


class State:
    """Everything that a reset sets back. A request keeps the state that it began with."""

    def __init__(
        self, options: Options, own_tokens: OwnTokens, first_event: int | None = None
    ) -> None:
        self._options = options
        self._key_error: str | None = None
        self.ended = threading.Event()
        self.clock_offset = 0.0
        self.connections_opened = 0
        self.connections = Connections(
            options.connections, options.secret, own_tokens, options.token_lifetime
        )
        if first_event is None:  # a new server on the port of an earlier one repeats no id
            first_event = int(time.time() * 1000)
        self.events = EventHub(self.now, options.heartbeat, options.retry, first_event)
        self.wallet = Wallet(
            options.balance,
            options.daily_cap,
            options.monthly_cap,
            self.now,
            self.events.emit,
        )
        self.actions = Actions(options.actions)
        self.idempotency = IdempotencyKeys()
        self.faults = Faults()
        self.gates = Gates()
        self.requests = RequestLog()
        self.responses = Responses()
        self._lock = threading.Lock()

    def count_connection(self) -> None:
        """Count one more TCP connection."""
        with self._lock:
            self.connections_opened += 1

    def connect(self, slug: str, options: Mapping[str, Any]) -> Connection:
        """Create or replace a connection, and send an event."""
        before = self.connections.get(slug)
        renewed = before is not None and before.status == "connected"
        connection = self.connections.put(slug, options)
        if connection.status == "connected":
            kind = "connection.changed" if renewed else "connection.connected"
            self.events.emit(kind, slug=slug, connection_id=connection.id)
        return connection

    def connect_again(self, slug: str) -> Connection:
        """Connect as a user does, with the options of the earlier connection if there was one."""
        before = self.connections.get(slug)
        options = dict(before.options) if before is not None else {}
        for passing in ("status", "token", "error_message", "connected_at", "setup_url"):
            options.pop(passing, None)
        return self.connect(slug, options)

    def disconnect(self, slug: str) -> None:
        """Remove a connection and send an event.

        Raises:
            KeyError: the provider is not connected.
        """
        connection = self.connections.remove(slug)
        self.events.emit("connection.disconnected", slug=slug, connection_id=connection.id)

    def set_status(self, slug: str, status: str) -> None:
        """Change the status of a connection and send an event.

        Raises:
            KeyError: the provider is not connected.
        """
        connection = self.connections.of(slug)
        connection.status = status
        self.events.emit(
            "connection.status_changed", slug=slug, connection_id=connection.id, status=status
        )

    def ticket(self, *parts: str) -> str:
        """Sign texts that the server writes into a page or a link."""
        text = "\0".join(parts).encode()
        return hmac.new(self._options.secret, text, "sha256").hexdigest()

    def is_ticket(self, ticket: str, *parts: str) -> bool:
        """Return True if `ticket(*parts)` returned this."""
        return self._is_same(ticket, self.ticket(*parts))

    def now(self) -> float:
        """Return Unix seconds by the server's clock."""
        return time.time() + self.clock_offset

    def end(self) -> None:
        """End every request that is held, slowed or streaming."""
        self.ended.set()
        self.gates.release_all()
        self.events.close()

    def resume(self) -> None:
        """Serve again after `end`."""
        self.ended.clear()
        self.events.open()

    def reject_keys(self, code: str | None) -> None:
        """Reject every key with this code, or with None accept the valid ones again.

        Raises:
            ValueError: the contract does not have this code for keys.
        """
        if code is not None and code not in _KEY_ERRORS:
            raise ValueError(f"code must be one of {', '.join(_KEY_ERRORS)}, not {code!r}.")
        self._key_error = code

    def connection_key(self, slug: str) -> str:
        """Return the key that is locked to one connection."""
        digest = hmac.digest(self._options.secret, f"key {slug}".encode(), "sha256")
        return KEY_PREFIX + base64.urlsafe_b64encode(digest).decode()[:32]

    def scope_of(self, headers: Headers) -> str | None:
        """Return the one slug that the request's key may use, or None for an app key (all slugs).

        Raises:
            ApiError: the key is missing or not accepted.
        """
        key = bearer_of(headers)
        if not key:
            raise ApiError("app_unknown", "The request has no API key.")
        return self.scope_of_key(key)

    def scope_of_key(self, key: str) -> str | None:
        """Return the one slug that a key may use, or None for an app key (all slugs).

        Raises:
            ApiError: the key is not accepted.
        """
        if self._is_same(key, self._options.api_key):
            self._check_key_error()
            return None
        for connection in self.connections.all():
            if self._is_same(key, self.connection_key(connection.slug)):
                self._check_key_error()
                return connection.slug
        raise ApiError("app_unknown", "The API key is unknown.")

    def is_pool_key(self, slug: str, key: str) -> bool:
        """Return True if the platform's proxy accepts an API key for a provider: it is connected
        from the managed pool, and the key may use it.
        """
        connection = self.connections.get(slug)
        if connection is None or connection.profile != POOL:
            return False
        try:
            return connection.status == "connected" and self.scope_of_key(key) in {None, slug}
        except ApiError:
            return False

    def _check_key_error(self) -> None:
        if self._key_error is not None:
            raise ApiError(self._key_error, "The API key is no longer accepted.")

    @staticmethod
    def _is_same(key: str, other: str) -> bool:
        return hmac.compare_digest(key.encode("utf-8", "replace"), other.encode())


def bearer_of(headers: Headers) -> str:
    """Return the bearer token of a request, or an empty text."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
