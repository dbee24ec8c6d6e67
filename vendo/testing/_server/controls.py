"""What a test can do to the local server, and see of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendo._catalog.slug_type import Slug
from vendo._config.slugs import checked_slug
from vendo.testing._http.errors import ApiError
from vendo.testing._http.messages import Json
from vendo.testing._server.event_controls import EventControls
from vendo.testing._server.request_controls import RequestControls
from vendo.testing._state.actions import PRICE, Action, toolkit_of
from vendo.testing._state.connections import checked_status, user_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._server.service import Service


class Controls(EventControls, RequestControls):
    """The part of `LocalVendo` that changes and reads the state of its service."""

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

        Raises:
            TypeError: an option is unknown.
            ValueError: the status or the profile is unknown.
            ValidationError: the slug is malformed.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo() as server:
                server.connect("slack", token="xoxb-test")
                assert server.client().token("slack") == "xoxb-test"
            ```
        """
        self._service.state.connect(checked_slug(slug), options)

    def disconnect(self, slug: Slug | str) -> None:
        """Remove a connection, and send an event.

        Args:
            slug: the provider.

        Raises:
            KeyError: the provider is not connected.

        Example:
            ```python
            from vendo import NotConnected
            from vendo.testing import LocalVendo

            with LocalVendo(["gmail"]) as server:
                server.disconnect("gmail")
                try:
                    server.client().token("gmail")
                except NotConnected as error:
                    print(error)
            ```
        """
        self._service.state.disconnect(slug)

    def set_status(self, slug: Slug | str, status: str) -> None:
        """Change the status of a connection, and send an event.

        Args:
            slug: the provider.
            status: `connected`, `available`, `pending_setup`, `needs_reauth`, `error` or `revoked`.

        Raises:
            KeyError: the provider is not connected.
            ValueError: the status is unknown.

        Example:
            ```python
            from vendo import NeedsReauth
            from vendo.testing import LocalVendo

            with LocalVendo(["gmail"]) as server:
                server.set_status("gmail", "needs_reauth")
                try:
                    server.client().token("gmail")
                except NeedsReauth as error:
                    print(error)
            ```
        """
        self._service.state.set_status(slug, checked_status(status))

    def rotate(self, slug: Slug | str) -> str:
        """Replace the credential, and send an event.

        The fake provider rejects all earlier tokens, those of users included.

        Args:
            slug: the provider.

        Returns:
            The deployment's new token.

        Raises:
            KeyError: the provider is not connected.
            ValueError: the connection does not have a token.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                before = server.token("openai")
                assert server.rotate("openai") != before
            ```
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

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["gmail"]) as server:
                gmail = server.client().session("gmail", base_url=server.provider_url("gmail"))
                assert gmail.get("/gmail/v1/users/me/profile").ok
                server.expire("gmail")  # the session gets a 401, and renews the token
                assert gmail.get("/gmail/v1/users/me/profile").ok
            ```
        """
        connections = self._service.state.connections
        connections.of(slug)
        connections.expire_tokens(slug, user_of(user))

    def token(self, slug: Slug | str, user: str | None = None) -> str:
        """Return the current token of the deployment, or of a user.

        Args:
            slug: the provider.
            user: a user's JWT, or None for the deployment.

        Returns:
            The text of the token that the credentials worker hands out now.

        Raises:
            KeyError: the provider is not connected.
            ValueError: the connection does not have a token, for example because it is revoked.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                assert server.client().token("openai") == server.token("openai")
            ```
        """
        connections = self._service.state.connections
        connections.of(slug)
        try:
            return connections.issue(slug, user_of(user)).text
        except ApiError as error:
            raise ValueError(f"No token for {slug}: {error.message}") from None

    # Keys, money, clock

    def revoke_key(self, code: str = "app_revoked") -> None:
        """Reject every API key.

        Args:
            code: the error code, `app_unknown`, `app_revoked` or `app_expired`.

        Raises:
            ValueError: it is another code.

        Example:
            ```python
            from vendo import AuthError
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.revoke_key("app_expired")
                try:
                    server.client().token("openai")
                except AuthError as error:
                    print(error.code)  # app_expired
            ```
        """
        self._service.state.reject_keys(code)

    def restore_key(self) -> None:
        """Accept the API keys again.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.revoke_key()
                server.restore_key()
                assert server.client().token("openai")
            ```
        """
        self._service.state.reject_keys(None)

    def set_balance(self, micros: int) -> None:
        """Set the balance of the wallet, and send an event.

        Args:
            micros: the balance in micros: 1,000,000 are one dollar.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo() as server:
                server.set_balance(2_500_000)
                print(server.client().billing.balance().credits_remaining)  # 2.5
            ```
        """
        self._service.state.wallet.set_balance(micros)

    def set_caps(self, daily: int | None = None, monthly: int | None = None) -> None:
        """Set both spend caps.

        Args:
            daily: the cap of a day in micros; None removes it.
            monthly: the cap of a month in micros; None removes it.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo() as server:
                server.set_caps(daily=1_000_000)
                print(server.client().billing.spend_caps().daily_micros)  # 1000000
            ```
        """
        self._service.state.wallet.set_caps(daily, monthly)

    def set_clock_offset(self, seconds: float) -> None:
        """Set the server's clock ahead of this machine's, or behind it.

        It changes `Date`, `expires_at` and the times of events, but not how long tokens are valid.

        Args:
            seconds: the difference; negative for a clock that is behind.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.set_clock_offset(-3600)
                assert server.client().token("openai")
            ```
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

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(connections={"gmail": {"profile": "composio_managed"}}) as server:
                server.action("GMAIL_LIST_LABELS", lambda args: ["INBOX", args["more"]])
                print(server.client().data.execute("GMAIL_LIST_LABELS", {"more": "WORK"}))
            ```
        """
        self._service.state.actions.define(
            action_id, Action(slug or toolkit_of(action_id), run, micros)
        )
