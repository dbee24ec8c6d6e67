"""An example that cannot have its port says so in a line or two."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from support.examples import FOLDER, NAMES


def refused(name: str, port: str) -> str:
    done = subprocess.run(
        [sys.executable, "run.py", port], cwd=FOLDER / name, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_port_that_another_example_has(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        printed = refused(name, port)
    assert f"Port {port} is" in printed
    assert "different port" in printed or "Fix: choose another one" in printed


@pytest.mark.parametrize("port", ["http", "65536", "-1"])
def test_a_port_that_is_not_one(port: str) -> None:
    assert f"not {port!r}" in refused("flask", port)
