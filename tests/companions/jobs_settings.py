"""The settings of a Django project with jobs. Celery's broker is a folder."""

from __future__ import annotations

import environ  # type: ignore[import-untyped]

_FOLDER = environ.Env()("SITE_JOBS")

SECRET_KEY = "not-a-secret-" * 4
INSTALLED_APPS = ["vendo_django"]
CELERY_BROKER_URL = "filesystem://"
CELERY_RESULT_BACKEND = f"file://{_FOLDER}"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    **dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), _FOLDER),
    "polling_interval": 0.02,
}
