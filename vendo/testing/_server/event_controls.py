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
        """Send an event to every stream.

        Args:
            kind: the type of the event, such as `connection.changed`.
            fields: the data of the event.

        Returns:
            The id of the event.

        Example:
            ```python
            from concurrent.futures import ThreadPoolExecutor

            from vendo.testing import LocalVendo

            with LocalVendo() as server, ThreadPoolExecutor() as pool:
                events = server.client().events.subscribe()
                first = pool.submit(next, events)
                server.wait_for_streams(1)
                server.emit("connection.changed", slug="gmail")
                print(first.result().data["slug"])  # gmail
                events.close()
            ```
        """
        return self._service.state.events.emit(kind, **fields)

    @property
    def open_streams(self) -> int:
        """The number of open event streams."""
        return self._service.state.events.open_streams

    def wait_for_streams(self, n: int, timeout: float = 10.0) -> None:
        """Block until exactly a number of event streams are open.

        Args:
            n: the number.
            timeout: seconds.

        Raises:
            TimeoutError: the number is different after `timeout` seconds.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["gmail"]) as server:
                with server.client().events.watch():
                    server.wait_for_streams(1)  # a change of a connection is now noticed
                    server.rotate("gmail")
            ```
        """
        self._service.state.events.wait_for_streams(n, timeout)

    def sign_webhook(
        self, event: Mapping[str, Any] | bytes, *, at: float | str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Sign a webhook as the platform does.

        Args:
            event: the event, or a raw body. Missing fields among `id`, `type`, `occurred_at` and
                `data` get a default.
            at: Unix seconds or RFC 3339 text. The default is now.

        Returns:
            The headers and the body, for a POST to your application.

        Example:
            ```python
            import vendo
            from vendo.testing import LocalVendo

            server = LocalVendo()
            headers, body = server.sign_webhook({"type": "connection.changed"})
            event = vendo.WebhooksAPI(server.webhook_secret).verify(headers, body)
            print(event.type)
            ```
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
