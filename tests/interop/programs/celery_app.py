"""An application of Celery: messages and results are files in the folder where it runs, in JSON."""

from __future__ import annotations

from pathlib import Path

from celery import Celery

import jobs
import vendo

for name in ("queue", "results"):
    Path(name).mkdir(exist_ok=True)

app = Celery("celery_app", broker="filesystem://", backend=f"file://{Path('results').resolve()}")
app.conf.broker_transport_options = {
    "data_folder_in": "queue",
    "data_folder_out": "queue",
    "control_folder": "control",
    "polling_interval": 0.05,
}
app.conf.task_serializer = app.conf.result_serializer = "json"
app.conf.accept_content = ["json"]

lookup = app.task(jobs.lookup)
fail = app.task(jobs.fail)

# The processes of a prefork worker inherit the connection of this call.
vendo.token("gmail")
