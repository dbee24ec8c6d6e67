"""An application of Celery whose broker is a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from celery import Celery
from celery.backends.filesystem import FilesystemBackend

if TYPE_CHECKING:
    from typing import Any

_FOLDER = os.environ["SERVERS_FOLDER"]


class Results(FilesystemBackend):  # type: ignore[misc]  # Celery has no types
    """Shows a result only once all of it is written."""

    def set(self, key: bytes, value: Any) -> None:
        super().set(key + b".part", value)
        part = Path(os.fsdecode(self._filename(key + b".part")))
        part.replace(part.with_suffix(""))


app = Celery(
    broker="filesystem://",
    backend=f"servers.broker:Results+file://{_FOLDER}/results",
    broker_transport_options={
        "data_folder_in": f"{_FOLDER}/queue",
        "data_folder_out": f"{_FOLDER}/queue",
        "control_folder": f"{_FOLDER}/control",
        "polling_interval": 0.02,
    },
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=4,
)
