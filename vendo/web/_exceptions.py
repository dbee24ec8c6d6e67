"""Errors of the ready-made views. Each has its response in the table of `_error_responses`."""

from __future__ import annotations

from vendo.errors import VendoError


class ConnectForbidden(VendoError):
    """This user may not connect providers: 403."""


class EventInProgress(VendoError):
    """Another delivery of this webhook event is being handled: 409. Its repeat comes later."""
