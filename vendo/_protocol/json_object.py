"""JSON objects in bodies that may hold anything."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def json_object(body: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object in a body, or None if the body is something else."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
