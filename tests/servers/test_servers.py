"""No worker of any server gets another's token or response, whatever was used before its fork."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from servers import SLUGS
from servers.callers import Results, calls
from support.children import Child
from support.servers import serving, surroundings
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

_UWSGI = [
    "servers.uwsgi", "--http-socket=127.0.0.1:{port}", "--module=servers.app:wsgi", "--need-app",
    "--die-on-term", "--disable-logging", "--listen=64", "--processes=3",
]  # fmt: skip
_GUNICORN = ["gunicorn", "--bind=127.0.0.1:{port}", "servers.app:wsgi"]
_ASGI = "servers.app:asgi"
COMMANDS = {
    "uwsgi": _UWSGI,
    "uwsgi with a master": [*_UWSGI, "--master"],
    "uwsgi with threads": [*_UWSGI, "--master", "--enable-threads", "--threads=4"],
    "gunicorn": [*_GUNICORN, "--workers=3"],
    "gunicorn, preloaded": [*_GUNICORN, "--workers=3", "--preload"],
    "gunicorn, preloaded, threads": [*_GUNICORN, "--workers=2", "--threads=4", "--preload"],
    "uvicorn": ["uvicorn", "--port={port}", "--workers=2", "--log-level=warning", _ASGI],
    "hypercorn": ["hypercorn", "--bind=127.0.0.1:{port}", "--workers=2", _ASGI],
    "granian": ["granian", "--port={port}", "--workers=2", "--interface=asgi", _ASGI],
    "granian, WSGI": [
        "granian", "--port={port}", "--workers=2", "--interface=wsgi", "servers.app:wsgi"
    ],
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=SLUGS) as server:
        yield server


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_workers_of_a_server_share_nothing(
    command: list[str], server: LocalVendo, tmp_path: Path
) -> None:
    results = Results(server)
    # Some servers leave their own sockets open.
    with serving(command, server.environment(*SLUGS), tmp_path, options=()) as site:
        results.request(site)
        assert results.wrong == []
    assert len(results.processes) > 1


@pytest.mark.parametrize(
    "method", ["fork", "forkserver", "spawn", "executor fork", "executor spawn"]
)
def test_processes_of_a_pool_share_nothing(method: str, server: LocalVendo) -> None:
    results, made = Results(server), calls()
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "servers.pools", method],
        input=json.dumps(made),
        env=surroundings(server.environment(*SLUGS)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for call, result in zip(made, json.loads(done.stdout), strict=True):
        results.check(call, result)
    assert results.wrong == []
    assert len(results.processes) > 1


_SENDER = """
import json, sys
from servers.celery_app import made
calls = json.load(sys.stdin)
waiting = [made.delay(calls[i:i + 25]) for i in range(0, len(calls), 25)]
print(json.dumps([result for each in waiting for result in each.get(60, interval=0.05)]))
"""


def test_workers_of_celery_share_nothing(server: LocalVendo, tmp_path: Path) -> None:
    results, made = Results(server), calls()
    for folder in ("results", "queue", "control"):
        (tmp_path / folder).mkdir()
    environment = surroundings({**server.environment(*SLUGS), "SERVERS_FOLDER": str(tmp_path)})
    command = ["celery", "--quiet", "--app=servers.celery_app", "worker", "--concurrency=3"]
    with Child([sys.executable, "-m", *command], env=environment) as worker:
        try:
            sender = subprocess.run(
                [sys.executable, "-c", _SENDER],
                input=json.dumps(made),
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
        finally:
            worker.terminate()
    assert sender.returncode == 0, sender.stderr
    for call, result in zip(made, json.loads(sender.stdout), strict=True):
        results.check(call, result)
    assert results.wrong == []
    assert len(results.processes) > 1
