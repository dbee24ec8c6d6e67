"""An example that cannot start says so in a line or two, and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from examples.programs import WITHOUT, WITHOUT_RIGHTS, ended
from support.children import Child
from support.examples import FOLDER, NAMES

#: Example -> its script, and the packages that it needs.
NEEDS = {
    "django": ("run.py", ["vendo", "django", "requests"]),
    "fastapi": ("run.py", ["vendo", "fastapi", "aiohttp", "uvicorn", "websockets"]),
    "flask": ("run.py", ["vendo", "flask", "requests"]),
    "openai_chat": ("chat.py", ["vendo", "openai"]),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_help_names_the_port(name: str) -> None:
    done = ended(name, "run.py", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"--port PORT +the port \(default: 8000; 0: any free one\)", done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_port_that_another_program_has(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ended(name, "run.py", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Port {port} cannot be used: address already in use.\nFix: python run.py --port 0\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_port_that_needs_more_rights(name: str) -> None:
    done = ended(name, "-c", WITHOUT_RIGHTS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Port 80 cannot be used: permission denied.\nFix: python run.py --port 0\n"
    )


@pytest.mark.parametrize("port", ["http", "", "65536", "-1", "8000.5", "²", "9" * 5000])
def test_a_port_that_is_not_one(port: str) -> None:
    done = ended("flask", "run.py", "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"the port must be a number from 0 to 65535, not {port[:40]!r}.\n" in done.stderr
    assert done.stderr.endswith("\nFix: python run.py --port 8001\n")


@pytest.mark.parametrize(
    ("name", "package"), [(name, package) for name in NEEDS for package in NEEDS[name][1]]
)
def test_a_package_that_is_missing(name: str, package: str) -> None:
    script, _ = NEEDS[name]
    done = ended(name, "-c", WITHOUT.format(package=package, script=script))
    assert (done.returncode, done.stdout) == (1, "")
    readme = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    fix = re.search(r"^    (pip install .*)$", readme, re.MULTILINE)
    assert fix
    assert done.stderr == f"The package {package} is not installed.\nFix: {fix[1]}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("name", NAMES)
def test_it_ends_quietly(name: str, number: signal.Signals) -> None:
    with Child(
        [sys.executable, "-W", "error", "run.py", "--port", "0"],
        cwd=FOLDER / name,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        first = process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    url = re.fullmatch(r"The mailbox is at (http\S+) - stop it with Ctrl-C\n", first)
    assert url
    assert (process.returncode, rest, errors) == (0, "Stopped.\n", "")
    parts = urlsplit(url[1])
    with closing(socket.socket()) as client:
        assert client.connect_ex((parts.hostname, parts.port)) != 0
