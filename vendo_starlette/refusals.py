"""Errors that are about the request itself: answered right by any application, told or not.

They are errors of vendo's for those who handle these, and `HTTPException`s for everybody else.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from vendo import IdentityNotPresent, ValidationError, VendoError


class NotSignedIn(IdentityNotPresent, HTTPException):
    """Nobody is signed in, or not through the platform's proxy: 401."""

    def __init__(self, error: IdentityNotPresent) -> None:
        _become(self, error, 401)


class WebhookRefused(ValidationError, HTTPException):
    """A webhook is not genuine: 400."""

    def __init__(self, error: ValidationError) -> None:
        _become(self, error, 400)


def _become(refusal: Any, error: VendoError, status: int) -> None:
    # Not by the constructors: each of the two families takes the other's arguments for its own.
    refusal.__dict__.update(error.__dict__)
    refusal.args = error.args
    refusal.status_code = status
    refusal.detail = str(error)
    refusal.headers = None
