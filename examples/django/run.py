"""Run the mailbox with a platform of its own: `python run.py`. A deployment does not need this."""

import atexit
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "shared"))
from start import start


def create_app() -> Any:
    """Create the application. It is called when the environment has the platform's variables."""
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mailapp.settings"
    os.environ["MAILBOX_DATABASE"] = str(Path(folder.name, "mailbox.sqlite3"))
    os.environ["VENDO_TOKEN_DJANGO_SECRET_KEY"] = os.urandom(32).hex()
    app = get_wsgi_application()
    call_command("migrate", verbosity=0)
    return app


if __name__ == "__main__":
    start(create_app, packages=["django", "requests"], pip='-e "../..[django,http]"')
