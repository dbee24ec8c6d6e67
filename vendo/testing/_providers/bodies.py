"""The fields that a client sends in the body of a request."""

from __future__ import annotations

import json

from vendo.testing._providers.credentials import form_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vendo.testing._http.messages import Request


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of a form or of a JSON object, or none if the body is something else."""
    form = form_of(request)
    if form:
        return dict(form)
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
