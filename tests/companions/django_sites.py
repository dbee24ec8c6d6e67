"""The commands that run the Django site, and its database."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from support.servers import surroundings

if TYPE_CHECKING:
    from pathlib import Path

_ASGI = "companions.django_asgi:application"
DAPHNE = ["daphne", "--port={port}", "--verbosity=0", _ASGI]
UVICORN = ["uvicorn", "--port={port}", "--log-level=warning", "--lifespan=off", _ASGI]
SITES = {
    "gunicorn": ["gunicorn", "--bind=127.0.0.1:{port}", "companions.django_wsgi:application"],
    "uvicorn": UVICORN,
    "daphne": DAPHNE,
}


def make_database(file: Path) -> None:
    """Make the site's database, with empty tables."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "companions.django_settings",
        "VENDO_TOKEN_APP_DATABASE": f"sqlite:///{file}",
    }
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
        env=surroundings(environment),
        check=True,
    )
