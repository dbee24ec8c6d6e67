"""Run the mailbox with a platform of its own: `python run.py`. A deployment does not need this."""

import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "shared"))
from start import start


def create_app() -> Any:
    """Create the application. It is called when the environment has the platform's variables."""
    import mailapp

    return mailapp.create_app()


if __name__ == "__main__":
    start(create_app, packages=["flask", "requests"], pip='-e "../..[flask,http]"')
