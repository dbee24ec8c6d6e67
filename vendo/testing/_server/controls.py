"""What a test can do to the local server, and see of it."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from vendo._catalog.slug_type import Slug
from vendo._config.slugs import checked_slug
from vendo.testing._http.errors import ApiError
from vendo.testing._http.messages import Json
from vendo.testing._state.actions import PRICE, Action, toolkit_of
from vendo.testing._state.connections import as_rfc3339, checked_status, user_of
from vendo.testing._state.faults import Fault
from vendo.testing._state.gates import Gate
from vendo.testing._state.own_tokens import tokens_in
from vendo.testing._state.requests import SeenRequest
from vendo.testing._state.responses import response_of
from vendo.testing._state.surfaces import checked_surface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._server.service import Service


class Controls:
    """The part of `LocalVendo` that changes and reads the state of its service."""

    webhook_secret: str
    if TYPE_CHECKING:
        _service: Service

    # Connections and tokens

    def connect(self, slug: Slug | str, **options: Any) -> None:
        """Connect a provider, as a user does on the connect page.

        Args:
            slug: the provider, of the catalog or not.
            options: `token` (the text of the first token), `lifetime` (seconds, or None), `omit`
                (fields that the platform leaves out), and every field of a connection by its
                name in the API (`status`, `profile`, `context`, ...).
        """
        self._service.state.connect(checked_slug(slug), options)

    def disconnect(self, slug: Slug | str) -> None:
        """Remove a connection.

        Raises:
            KeyError: the provider is not connected.
        """
        self._service.state.disconnect(slug)

    def set_status(self, slug: Slug | str, status: str) -> None:
        """Change the status of a connection, for example to `needs_reauth` or `revoked`.

        Raises:
            KeyError: the provider is not connected.
            ValueError: the status is unknown.
        """
        self._service.state.set_status(slug, checked_status(status))

    def rotate(self, slug: Slug | str) -> str:
        """Replace the credential, send an event, and return the deployment's new token.

        The fake provider rejects all earlier tokens, those of users included.

        Raises:
            KeyError: the provider is not connected.
        """
        state = self._service.state
        connection = state.connections.of(slug)
        state.connections.replace_credential(slug)
        state.events.emit("connection.changed", slug=slug, connection_id=connection.id)
        return self.token(slug)

    def expire(self, slug: Slug | str, user: str | None = None) -> None:
        """Let the fake provider reject the current tokens. No event is sent.

        The credentials worker hands out new ones.

        Args:
            slug: the provider.
            user: a user's JWT, to expire only the token of this user.

        Raises:
            KeyError: the provider is not connected.
        """
        connections = self._service.state.connections
        connections.of(slug)
        connections.expire_tokens(slug, user_of(user))

    def token(self, slug: Slug | str, user: str | None = None) -> str:
        """Return the current token of the deployment, or of a user.

        Args:
            slug: the provider.
            user: a user's JWT, or None for the deployment.

        Raises:
            KeyError: the provider is not connected.
            ValueError: the connection does not have a token, for example because it is revoked.
        """
        connections = self._service.state.connections
        connections.of(slug)
        try:
            return connections.issue(slug, user_of(user)).text
        except ApiError as error:
            raise ValueError(f"No token for {slug}: {error.message}") from None

    # Keys, money, clock

    def revoke_key(self, code: str = "app_revoked") -> None:
        """Reject every key with `app_unknown`, `app_revoked` or `app_expired`."""
        self._service.state.reject_keys(code)

    def restore_key(self) -> None:
        """Accept the keys again."""
        self._service.state.reject_keys(None)

    def set_balance(self, micros: int) -> None:
        """Set the balance of the wallet, and send an event."""
        self._service.state.wallet.set_balance(micros)

    def set_caps(self, daily: int | None = None, monthly: int | None = None) -> None:
        """Set both spend caps in micros; None removes one."""
        self._service.state.wallet.set_caps(daily, monthly)

    def set_clock_offset(self, seconds: float) -> None:
        """Set the server's clock ahead of this machine's, or behind it (negative).

        It changes `Date`, `expires_at` and the times of events, but not how long tokens are valid.
        """
        self._service.state.clock_offset = seconds

    def action(
        self,
        action_id: str,
        run: Callable[[dict[str, Any]], Json],
        *,
        slug: str | None = None,
        micros: int = PRICE,
    ) -> None:
        """Define an action of the data proxy.

        Args:
            action_id: its name, for example `GMAIL_LIST_LABELS`. Case does not count.
            run: `run(args)` returns the `data` of the response. It runs in a thread of the server,
                and an exception becomes a 502.
            slug: the connection that it needs, with the profile `composio_managed`. The default is
                the first word of its name.
            micros: the price of a call.
        """
        self._service.state.actions.define(
            action_id, Action(slug or toolkit_of(action_id), run, micros)
        )

    # Events and webhooks

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

    # Responses and faults

    def respond(
        self,
        slug: str,
        method: str,
        path: str,
        *,
        status: int = 200,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Set the response of a fake provider to a request, until `reset()`.

        It replaces a built-in response and an earlier one. The request still needs a valid
        credential.

        Args:
            slug: the provider, of the catalog or not.
            method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`. A `HEAD` gets what is set for
                `GET`, without the body.
            path: the path, with or without that of the provider's base URL, and without a token.
                Any query matches.
            status: the status, from 200 to 599.
            body: a dict or list for JSON, text, bytes, or None for an empty body.
            headers: more headers. A `Content-Type` replaces the one of the body.

        Raises:
            ValueError: the slug, method, path, status or a header is malformed, or the body
                cannot be written as JSON.
            TypeError: an argument has the wrong type.
        """
        response = response_of(status, body, headers)
        self._service.state.responses.put(slug, method, path, response)

    def fail(
        self,
        surface: str,
        status: int | None = None,
        *,
        times: int | None = 1,
        slug: str | None = None,
        code: str | None = None,
        retry_after: float | str | None = None,
        latency: float = 0.0,
        reset: bool = False,
        reset_after: int | None = None,
        truncate: int | None = None,
        drip: float = 0.0,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        html: bool = False,
        malformed: bool = False,
        oversize: bool = False,
        gzip_bomb: bool = False,
        nested: bool = False,
        redirect: str | None = None,
        close: bool = False,
    ) -> None:
        """Inject a fault into the next matching requests.

        With only a surface, the response is a 500. With only `latency`, `reset_after`, `truncate`,
        `drip`, `headers`, `retry_after` or `close`, the right response is changed. Several faults
        for the same request apply one after the other, in the order of the calls.

        Args:
            surface: `credentials`, `api`, `events`, `data`, `provider`, `pages` or `any`.
            status: the status of the response.
            times: the number of requests. None for all until `heal()`.
            slug: only requests for this provider.
            code: the error code. The default status is the one of the contract.
            retry_after: the `Retry-After` header, in seconds or as text. An error of the platform
                API or of the data proxy has the seconds in its body too, rounded up.
            latency: seconds before the request is handled.
            reset: send a TCP reset and do not handle the request.
            reset_after: bytes of the body after which a TCP reset is sent.
            truncate: bytes of the body after which the connection is closed.
            drip: seconds of pause after each byte of the body.
            body: the body to send: bytes, text, or a value for JSON.
            headers: headers to add to the response.
            html: send the HTML page of a proxy.
            malformed: send incomplete JSON.
            oversize: send 11 MiB of JSON.
            gzip_bomb: send 64 MiB of JSON, compressed to 64 KiB.
            nested: send JSON with 100,000 levels.
            redirect: the URL of a redirect. The default status is 302.
            close: close the connection after the response, without a `Connection: close` header.

        Raises:
            ValueError: the surface, `status` or `times` is out of range.
            TypeError: the body cannot be written as JSON.
        """
        fault = Fault(
            surface,
            slug,
            times,
            status=status,
            code=code,
            retry_after=retry_after,
            latency=latency,
            reset=reset,
            reset_after=reset_after,
            truncate=truncate,
            drip=drip,
            body=body,
            headers=dict(headers or {}),
            html=html,
            malformed=malformed,
            oversize=oversize,
            gzip_bomb=gzip_bomb,
            nested=nested,
            redirect=redirect,
            close=close,
        )
        if fault.body is not None:
            self._service.own_tokens.give(*tokens_in(fault.body))
        self._service.state.faults.add(fault)

    def heal(self, surface: str | None = None) -> None:
        """Remove the faults of a surface, or all faults."""
        if surface is not None:
            checked_surface(surface)
        self._service.state.faults.heal(surface)

    def hold(self, surface: str, slug: str | None = None) -> Gate:
        """Hold matching requests on the server until the returned gate is released."""
        return self._service.state.gates.add(Gate(surface, slug))

    # Requests

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests so far, oldest first (the latest 10,000)."""
        return self._service.state.requests.all()

    def count(
        self, surface: str | None = None, slug: str | None = None, method: str | None = None
    ) -> int:
        """Count the requests, optionally of one surface, slug and method."""
        return self._service.state.requests.count(surface, slug, method)

    @property
    def connections_opened(self) -> int:
        """The number of TCP connections so far."""
        return self._service.state.connections_opened

    def clear_requests(self) -> None:
        """Drop the recorded requests."""
        self._service.state.requests.clear()

    def wait_for_requests(self, n: int, surface: str | None = None, timeout: float = 10.0) -> None:
        """Block until `n` requests have arrived.

        Raises:
            TimeoutError: fewer have arrived after `timeout` seconds.
        """
        self._service.state.requests.wait_for(n, surface, timeout)
