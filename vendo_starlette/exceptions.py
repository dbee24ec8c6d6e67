"""Errors about the request itself, which any application turns into the right response.

They are vendo's errors for an application with a handler for these, and Starlette's
`HTTPException`s for all others.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from vendo import IdentityNotPresent, ValidationError, VendoError


class NotSignedIn(IdentityNotPresent, HTTPException):
    """No user is signed in, or not through the platform's proxy: 401."""

    def __init__(self, *args: Any) -> None:
        _fill(self, IdentityNotPresent(*args), 401)


class WebhookRejected(ValidationError, HTTPException):
    """The signature of a webhook is not good: 400."""

    def __init__(self, *args: Any) -> None:
        _fill(self, ValidationError(*args), 400)


def _fill(made: Any, error: VendoError, status: int) -> None:
    # Not by the constructors: each of the two base classes would pass its arguments to the other.
    made.__dict__.update(error.__dict__)
    made.args = error.args
    made.status_code = status
    made.detail = str(error)
    made.headers = None
