"""An application of Celery whose broker is a folder."""

from __future__ import annotations

import os

from celery import Celery

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
