"""The fields that a client sends in the query and in the body of a request."""

from __future__ import annotations

from vendo._protocol.json_object import json_object
from vendo.testing._providers.credentials import form_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vendo.testing._http.messages import Request


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of a form or of a JSON object, or none if the body is something else."""
    return {**form_of(request)} or json_object(request.body) or {}


def arguments_of(request: Request) -> dict[str, Any]:
    """Return the fields of the query and of the body."""
    return {**request.parameters(), **fields_of(request)}
