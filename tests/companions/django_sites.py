"""The commands that run the Django site, and its database."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from support.servers import surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

_ASGI = "companions.django_asgi:application"
DAPHNE = ["daphne", "--port={port}", "--verbosity=0", _ASGI]
UVICORN = ["uvicorn", "--port={port}", "--log-level=warning", "--lifespan=off", _ASGI]
SITES = {
    "gunicorn": ["gunicorn", "--bind=127.0.0.1:{port}", "companions.django_wsgi:application"],
    "uvicorn": UVICORN,
    "daphne": DAPHNE,
}


def migrate(environment: Mapping[str, str]) -> None:
    """Make the tables of the site's database."""
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
        env=surroundings(environment),
        check=True,
    )
