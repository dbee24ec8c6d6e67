"""`LocalVendo`: a Vendo backend on loopback, with everything that a test wants to do to it."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from vendo._config.slugs import checked_slug
from vendo.testing._actions import PRICE, Action, slug_of
from vendo.testing._connections import as_rfc3339, checked_status, user_of
from vendo.testing._errors import Refusal
from vendo.testing._faults import Fault, Gate, checked_surface
from vendo.testing._http import Json
from vendo.testing._local_server import LocalServer
from vendo.testing._seen import SeenRequest


class LocalVendo(LocalServer):
    """A real HTTP server on loopback that answers as a Vendo backend does (the wire contract).

    One port serves the platform API and the connect page, the credentials worker
    (`credentials_url`), the data proxy (`data_proxy_url`) and a stand-in for each provider
    (`provider_url`), which refuses a token that is not current. Use it as a context manager, or
    call `start()` and `stop()`.
    What can be set when it is made is listed at `LocalServer`.
    """

    # Connections and tokens

    def connect(self, slug: str, **options: Any) -> None:
        """Connect a provider, as a person does on the connect page.

        Args:
            slug: the provider, of the catalog or not.
            options: `token` (the text of the first token), `lifetime` (seconds, or None),
                `omit` (names of fields that the platform leaves out), and every field of a
                connection by its name on the wire (`status`, `profile`, `context`, ...).
        """
        self._service.state.connect(checked_slug(slug), options)

    def disconnect(self, slug: str) -> None:
        """Take a connection away. KeyError where there is none."""
        self._service.state.disconnect(slug)

    def set_status(self, slug: str, status: str) -> None:
        """Give a connection another status, such as `needs_reauth` or `revoked`."""
        self._service.state.set_status(slug, checked_status(status))

    def rotate(self, slug: str) -> str:
        """Replace the credential and tell so in an event. Returns the deployment's new token.

        The tokens handed out before, users' own included, are refused by the stand-in.
        """
        state = self._service.state
        connection = state.connections.of(slug)
        state.connections.forget_tokens(slug)
        state.events.emit("connection.changed", slug=slug, connection_id=connection.id)
        return self.token(slug)

    def expire(self, slug: str, user: str | None = None) -> None:
        """Have the tokens handed out so far refused by the stand-in, in silence.

        The worker hands out new ones. With a user's JWT, it is about that user's token alone.
        """
        connections = self._service.state.connections
        connections.of(slug)
        connections.forget_tokens(slug, user_of(user))

    def token(self, slug: str, user: str | None = None) -> str:
        """The present token of the deployment, or of the user whose JWT is given.

        Raises:
            KeyError: the provider is not connected.
            ValueError: it is connected, and no token is to be had.
        """
        connections = self._service.state.connections
        connections.of(slug)
        try:
            return connections.issue(slug, user_of(user)).text
        except Refusal as refusal:
            raise ValueError(f"No token for {slug}: {refusal.message}") from None

    # Keys, money, clock

    def revoke_key(self, code: str = "app_revoked") -> None:
        """Refuse every key with `app_unknown`, `app_revoked` or `app_expired`."""
        self._service.state.refuse_key(code)

    def restore_key(self) -> None:
        """Accept the keys again."""
        self._service.state.refuse_key(None)

    def set_balance(self, micros: int) -> None:
        """Set what the wallet holds; an event tells so."""
        self._service.state.wallet.set_balance(micros)

    def set_caps(self, daily: int | None = None, monthly: int | None = None) -> None:
        """Set both spend caps in micros; None is no cap."""
        self._service.state.wallet.set_caps(daily, monthly)

    def set_clock_offset(self, seconds: float) -> None:
        """Let the server's clock run ahead of this machine's, or behind it (negative).

        `Date`, `expires_at` and the times of events follow it; how long tokens are good does not.
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
        """Define an action of the data proxy: `run(args)` gives the `data` of its answer.

        Args:
            action_id: its name, such as `GMAIL_LIST_LABELS`.
            run: called in a thread of the server; what it raises is answered with a 502.
            slug: the connection that it needs; without it, the first word of the name.
            micros: what a call costs.
        """
        self._service.state.actions.define(
            action_id, Action(slug or slug_of(action_id), run, micros)
        )

    # Events and webhooks

    def emit(self, kind: str, **fields: Json) -> str:
        """Send an event to every stream. Returns its id."""
        return self._service.state.events.emit(kind, **fields)

    @property
    def open_streams(self) -> int:
        """How many event streams are open."""
        return self._service.state.events.open_streams

    def wait_for_streams(self, n: int, timeout: float = 10.0) -> None:
        """Block until exactly `n` event streams are open; TimeoutError after `timeout` seconds."""
        self._service.state.events.wait_for_streams(n, timeout)

    def sign_webhook(
        self, event: Mapping[str, Any] | bytes, *, at: float | str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook as the platform would send it.

        Args:
            event: the event, or a raw body. `id`, `type`, `occurred_at` and `data` are filled in
                where an event lacks them.
            at: Unix seconds or RFC 3339 text; without it, now.
        """
        now = self._service.state.now()
        timestamp = at if isinstance(at, str) else str(int(now if at is None else at))
        if isinstance(event, bytes):
            body = event
        else:
            usual = {
                "id": f"evt_{uuid.uuid4().hex}",
                "type": "connection.changed",
                "occurred_at": as_rfc3339(now),
                "data": {},
            }
            body = json.dumps({**usual, **event}).encode()
        # By the contract's words and not with the library's own code, which is tested against it.
        signature = hmac.new(
            self.webhook_secret.encode(), f"{timestamp}.".encode() + body, "sha256"
        ).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Vendo-Signature": signature,
            "Vendo-Timestamp": timestamp,
        }
        return headers, body

    # Faults

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
        """Let the next requests that match go wrong.

        With nothing but a surface it is a 500. `latency`, `reset_after`, `truncate`, `drip`,
        `headers`, `retry_after` and `close` by themselves spoil the right answer. Faults that
        match the same request befall one request after the other, in the order of the calls.

        Args:
            surface: `credentials`, `api`, `events`, `data`, `provider`, `pages` or `any`.
            status: what is answered in place of the right answer.
            times: how many requests it befalls; None for all until `heal()`.
            slug: only requests about this provider.
            code: the error code; its status is the contract's unless one is given.
            retry_after: the `Retry-After` header, in seconds or as text.
            latency: seconds before the request is looked at.
            reset: a TCP reset in place of an answer; the request is not carried out.
            reset_after: a TCP reset after so many bytes of the body.
            truncate: the end of the connection after so many bytes of the body.
            drip: seconds of pause after each byte of the body.
            body: bytes, text, or a value to be sent as JSON, in place of the right body.
            headers: headers to add to the answer.
            html: a proxy's page in place of JSON.
            malformed: JSON that breaks off.
            oversize: a JSON answer of 11 MiB.
            gzip_bomb: 64 MiB, compressed.
            nested: JSON nested 100,000 deep.
            redirect: a redirect to this URL, 302 unless a status is given.
            close: the connection ends after the answer, which does not say so.
        """
        self._service.state.faults.add(
            Fault(
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
        )

    def heal(self, surface: str | None = None) -> None:
        """Lift the faults that were asked for a surface, or all."""
        if surface is not None:
            checked_surface(surface)
        self._service.state.faults.heal(surface)

    def hold(self, surface: str, slug: str | None = None) -> Gate:
        """Let requests that match wait on the server until the gate is released."""
        return self._service.state.gates.add(Gate(surface, slug))

    # What it saw

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests so far, the oldest first (the latest 10,000)."""
        return self._service.state.seen.all()

    def count(
        self, surface: str | None = None, slug: str | None = None, method: str | None = None
    ) -> int:
        """How many requests there were, of a surface, slug and method where these are given."""
        return self._service.state.seen.count(surface, slug, method)

    @property
    def connections_opened(self) -> int:
        """How many TCP connections were opened."""
        return self._service.state.connections_opened

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._service.state.seen.clear()

    def wait_for_requests(self, n: int, surface: str | None = None, timeout: float = 10.0) -> None:
        """Block until there were `n` requests; TimeoutError after `timeout` seconds."""
        self._service.state.seen.wait_for(n, surface, timeout)
