"""What a test can do with the local server's events: send them, and sign webhooks."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

from vendo.testing._http.messages import Json
from vendo.testing._state.connections import as_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._server.service import Service


class EventControls:
    """The part of `LocalVendo` with its event streams and webhooks."""

    webhook_secret: str
    if TYPE_CHECKING:
        _service: Service

    def emit(self, kind: str, **fields: Json) -> str:
        """Send an event to every stream, and return its id."""
        return self._service.state.events.emit(kind, **fields)

    @property
    def open_streams(self) -> int:
        """The number of open event streams."""
        return self._service.state.events.open_streams

    def wait_for_streams(self, n: int, timeout: float = 10.0) -> None:
        """Block until exactly `n` event streams are open.

        Raises:
            TimeoutError: the number is different after `timeout` seconds.
        """
        self._service.state.events.wait_for_streams(n, timeout)

    def sign_webhook(
        self, event: Mapping[str, Any] | bytes, *, at: float | str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of a webhook, signed as the platform does.

        Args:
            event: the event, or a raw body. Missing fields among `id`, `type`, `occurred_at` and
                `data` get a default.
            at: Unix seconds or RFC 3339 text. The default is now.
        """
        now = self._service.state.now()
        timestamp = at if isinstance(at, str) else str(int(now if at is None else at))
        if isinstance(event, bytes):
            body = event
        else:
            defaults = {
                "id": f"evt_{uuid.uuid4().hex}",
                "type": "connection.changed",
                "occurred_at": as_rfc3339(now),
                "data": {},
            }
            body = json.dumps({**defaults, **event}).encode()
        # Not with the library's own code, which is tested against this.
        signature = hmac.new(
            self.webhook_secret.encode(), f"{timestamp}.".encode() + body, "sha256"
        ).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Vendo-Signature": signature,
            "Vendo-Timestamp": timestamp,
        }
        return headers, body
