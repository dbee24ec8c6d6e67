"""The application as a worker of Celery. Its broker is a folder."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from servers import app as used_before_the_fork

_FOLDER = os.environ["SERVERS_FOLDER"]

app = Celery(
    broker="filesystem://",
    backend=f"file://{_FOLDER}/results",
    broker_transport_options={
        "data_folder_in": f"{_FOLDER}/queue",
        "data_folder_out": f"{_FOLDER}/queue",
        "control_folder": f"{_FOLDER}/control",
        "polling_interval": 0.02,
    },
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=4,
)


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def made(calls: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Make some calls."""
    return [used_before_the_fork.call(**call) for call in calls]
