"""The application as a worker of Celery."""

from __future__ import annotations

from typing import Any

from servers import app as used_before_the_fork
from servers.broker import app


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def made(calls: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Make some calls."""
    return [used_before_the_fork.call(**call) for call in calls]
