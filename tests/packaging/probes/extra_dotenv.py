"""Extra `dotenv`: the command line loads a file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, ".env")
    file.write_text("SLACK_BOT_TOKEN=xoxb-probe\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-m", "vendo", "--env-file", str(file), "token", "slack"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "xoxb-probe\n"
