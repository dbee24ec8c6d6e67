"""The environment in which tools of others run: OSS mode, and Vendo mode with a local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vendo.testing import LocalVendo

#: What `programs` has is imported by its name.
PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Mode:
    """A mode, and what `jobs.lookup` returns in it."""

    name: str
    variables: dict[str, str] = field(repr=False)
    found: dict[str, Any] = field(repr=False)
    server: LocalVendo = field(repr=False)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VENDO_")}
        return {**kept, "PYTHONPATH": str(PROGRAMS), **self.variables, **more}

    def output(self, *command: str | Path, folder: Path, **more: str) -> str:
        """Run a command to its end, and return what it prints."""
        done = subprocess.run(
            command, cwd=folder, env=self.environment(**more), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, *arguments: str | Path, folder: Path, **more: str) -> Any:
        """Run Python to its end, and return the JSON of its last line."""
        printed = self.output(sys.executable, *arguments, folder=folder, **more)
        return json.loads(printed.splitlines()[-1])


@pytest.fixture(params=["oss", "vendo"])
def mode(request: pytest.FixtureRequest) -> Iterator[Mode]:
    """Each mode, with gmail connected and github not."""
    with LocalVendo(connections=["gmail"]) as server:
        variables = server.environment("gmail")
        token = server.token("gmail")
        found = {"token": token, "mail": "owner@example.com", "mode": request.param}
        if request.param == "oss":
            variables = {
                "GMAIL_ACCESS_TOKEN": token,
                "GMAIL_BASE_URL": variables["GMAIL_BASE_URL"],
            }
        yield Mode(request.param, variables, found, server)
