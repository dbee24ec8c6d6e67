"""Errors of the ready-made views. Each has its response in the table of `_error_responses`."""

from __future__ import annotations

from vendo.errors import VendoError


class ConnectForbidden(VendoError):
    """This user may not connect providers: 403."""


class NoWebhookSecret(VendoError):
    """No webhook can be verified: 500. The sender is not told why, the log has the reason."""


class ReceiverFailed(RuntimeError):
    """A receiver of webhooks raised an error that has a response of its own. This one has 500.

    The platform may not repeat a webhook whose response says that the request is wrong.
    """


class EventInProgress(VendoError):
    """Another delivery of this webhook event is being handled: 409. Its repeat comes later."""
