"""Applications watch events in each process that serves them, and in no other one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from support.children import Child
from support.servers import serving, surroundings
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

_GUNICORN = ["gunicorn", "--bind=127.0.0.1:{port}", "--workers=3"]
_UWSGI = [
    "servers.uwsgi", "--http-socket=127.0.0.1:{port}", "--need-app", "--die-on-term",
    "--disable-logging", "--processes=3", "--enable-threads",
]  # fmt: skip
#: Servers, and how many processes serve.
COMMANDS = {
    "flask, gunicorn": ([*_GUNICORN, "servers.watching:flask_app()"], 3),
    "flask, gunicorn, preloaded": ([*_GUNICORN, "--preload", "servers.watching:flask_app()"], 3),
    "flask, run": (
        ["flask", "--app=servers.watching:flask_app", "--debug", "run", "--port={port}"], 1,
    ),
    "flask, uwsgi": ([*_UWSGI, "--master", "--module=servers.watching:flask_app()"], 3),
    "django, gunicorn": ([*_GUNICORN, "servers.watching:wsgi()"], 3),
    "django, gunicorn, preloaded": ([*_GUNICORN, "--preload", "servers.watching:wsgi()"], 3),
    "django, uwsgi": ([*_UWSGI, "--module=servers.watching:wsgi()"], 3),
    "django, runserver": (["django", "runserver", "127.0.0.1:{port}"], 1),
    "starlette, uvicorn": (
        ["uvicorn", "--factory", "--port={port}", "--workers=2", "--log-level=warning",
         "servers.watching:starlette_app"], 2,
    ),
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail"]) as server:
        yield server


def all_processes(site: str, n: int) -> dict[int, dict[str, Any]]:
    """Return what each of the processes shows."""
    found: dict[int, dict[str, Any]] = {}
    deadline = time.monotonic() + 60
    while len(found) < n:
        assert time.monotonic() < deadline, found
        seen = requests.get(site, timeout=60).json()
        found[seen["pid"]] = seen
    return found


@pytest.mark.parametrize(("command", "n"), COMMANDS.values(), ids=COMMANDS)
def test_each_process_that_serves_watches(
    command: list[str], n: int, server: LocalVendo, tmp_path: Path
) -> None:
    environment = {**server.environment(), "DJANGO_SETTINGS_MODULE": "servers.watching_settings"}
    with serving(command, environment, tmp_path, options=()) as site:
        assert {seen["token"] for seen in all_processes(site, n).values()} == {
            server.token("gmail")
        }
        server.wait_for_streams(n, timeout=60)
        new = server.rotate("gmail")
        deadline = time.monotonic() + 60
        while {seen["token"] for seen in all_processes(site, n).values()} != {new}:
            assert time.monotonic() < deadline
        assert {tuple(seen["modes"]) for seen in all_processes(site, n).values()} == {("stream",)}
        assert server.open_streams == n
    server.wait_for_streams(0, timeout=60)


@pytest.mark.redis
@pytest.mark.parametrize(
    "name", ["flask, gunicorn, preloaded", "django, gunicorn", "starlette, uvicorn"]
)
def test_one_stream_serves_all_processes_with_redis(
    name: str, server: LocalVendo, redis_port: int, tmp_path: Path
) -> None:
    command, n = COMMANDS[name]
    environment = {
        **server.environment(),
        "VENDO_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
    }
    with serving(command, environment, tmp_path, options=()) as site:
        all_processes(site, n)
        server.wait_for_streams(1, timeout=60)
        new = server.rotate("gmail")
        deadline = time.monotonic() + 60
        while {seen["token"] for seen in all_processes(site, n).values()} != {new}:
            assert time.monotonic() < deadline
        assert {tuple(seen["modes"]) for seen in all_processes(site, n).values()} == {("redis",)}
    server.wait_for_streams(0, timeout=60)


_SENDER = """
import json
from servers.watching_celery import seen
waiting = [seen.delay() for _ in range(30)]
print(json.dumps([each.get(60, interval=0.05) for each in waiting]))
"""


def test_workers_of_celery_watch(server: LocalVendo, tmp_path: Path) -> None:
    for folder in ("results", "queue", "control"):
        (tmp_path / folder).mkdir()
    environment = surroundings({**server.environment(), "SERVERS_FOLDER": str(tmp_path)})

    def seen() -> list[dict[str, Any]]:
        sender = subprocess.run(
            [sys.executable, "-c", _SENDER],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert sender.returncode == 0, sender.stderr
        found: list[dict[str, Any]] = json.loads(sender.stdout)
        return found

    command = ["celery", "--quiet", "--app=servers.watching_celery", "worker", "-c2"]
    with Child([sys.executable, "-m", *command], env=environment) as worker:
        try:
            deadline = time.monotonic() + 60
            pids: set[int] = set()
            while len(pids) < 2:  # one process may take all tasks of a round
                assert time.monotonic() < deadline
                found = seen()
                assert {each["token"] for each in found} == {server.token("gmail")}
                pids |= {each["pid"] for each in found}
            server.wait_for_streams(2, timeout=60)
            new = server.rotate("gmail")
            deadline = time.monotonic() + 60
            while {each["token"] for each in seen()} != {new}:
                assert time.monotonic() < deadline
        finally:
            worker.terminate()
    server.wait_for_streams(0, timeout=60)
