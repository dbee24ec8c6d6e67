"""Errors of the ready-made views. Each has its response in the table of `_error_responses`."""

from __future__ import annotations

from vendo.errors import VendoError


class ConnectForbidden(VendoError):
    """Stand for a user who may not connect providers: 403.

    Example:
        ```python
        import vendo
        from vendo.web import ConnectForbidden, check_may_connect

        try:
            check_may_connect(vendo.Vendo(), "gmail", allowed=False, identity=None)
        except ConnectForbidden as error:
            print(error.slug)  # gmail
        ```
    """


class NoWebhookSecret(VendoError):
    """Stand for a webhook that cannot be verified, since there is no usable secret: 500.

    The response has no reason. The log has it.

    Example:
        ```python
        from vendo.web import NoWebhookSecret, verified_webhook

        try:
            verified_webhook(lambda: [], {"Vendo-Signature": "0"}, b"{}")
        except NoWebhookSecret as error:
            print(error)
        ```
    """


class ReceiverFailed(RuntimeError):
    """Stand for a receiver of webhooks that raised an error with a response of its own: 500.

    The platform may not repeat a webhook whose response means that the request is wrong.

    Example:
        ```python
        from vendo import NotConnected
        from vendo.web import ReceiverFailed

        def receive(event):
            raise NotConnected("not_connected", "Gmail is not connected.", slug="gmail")

        try:
            try:
                receive({"id": "evt_1"})
            except NotConnected as error:
                raise ReceiverFailed("A receiver of webhooks raised NotConnected.") from error
        except ReceiverFailed as error:
            print(error)
        ```
    """


class EventInProgress(VendoError):
    """Stand for a webhook whose event another delivery handles now: 409. Its repeat comes later.

    Example:
        ```python
        from vendo.web import Delivery, EventInProgress, ReplayCache

        store = ReplayCache()
        first, second = Delivery(store, "evt_1"), Delivery(store, "evt_1")
        first.begin()
        try:
            second.begin()
        except EventInProgress as error:
            print(error.retry_after)  # 10
        first.finish()
        ```
    """
