"""Run the jobs of the manual's page with each tool: a real worker, and an application."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from interop.conftest import PROGRAMS
from manual.blocks import ROOT, blocks
from support.children import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interop.conftest import Mode

_CELERY = "celery -A warm worker --concurrency 2 --without-mingle --without-gossip --loglevel debug"
_DJANGO = "django db_worker --interval 0.02 --no-startup-delay --verbosity 2"
#: Tool -> how its worker is started, at the level of logging that shows most.
WORKERS = {
    "celery prefork": f"{_CELERY} --pool prefork",
    "celery solo": f"{_CELERY} --pool solo",
    "rq": "rq.cli worker --with-scheduler -c warm --verbose --url {redis}",
    "django database": _DJANGO,
}
#: Those whose jobs and results are in Redis.
_IN_REDIS = {"celery prefork", "celery solo", "rq"}
TOOLS = [
    *WORKERS,
    *("django immediate", "scheduler threads", "scheduler processes"),
    *("threads", "thread", "asyncio"),
]

#: A worker loads it before it forks: its children inherit a client with a token and a connection.
_WARM = "import mail\nfrom {module} import *\n\nmail.client.token('gmail', default=None)\n"
_IMMEDIATE = """
from importlib.util import find_spec
from project import *

package = "django.tasks" if find_spec("django.tasks") else "django_tasks"
TASKS = {"default": {"BACKEND": f"{package}.backends.immediate.ImmediateBackend"}}
"""


def tools(*names: str) -> list[Any]:
    """Return the parameters of a test: these tools, or all."""
    return [
        pytest.param(name, marks=[pytest.mark.redis] if name in _IN_REDIS else [])
        for name in names or TOOLS
    ]


def jwt_of(user: str) -> str:
    """Return a JWT of a user, as the platform's proxy sends it."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": user, "exp": 4e9}).encode()).decode()
    return f"eyJhbGciOiJIUzI1NiJ9.{claims.rstrip('=')}.c2lnbmF0dXJlLW9mLWEtdGVzdA"


def write_files_of_the_page(folder: Path) -> None:
    """Write the files that the manual's page on jobs shows."""
    for block in blocks(ROOT / "docs" / "jobs.md"):
        name = block.option("file")
        if name is not None:
            (folder / name).write_text(block.text, encoding="utf-8")


@dataclass
class Host:
    """An application that hands jobs over to a tool, and the log of the tool's worker."""

    process: subprocess.Popen[str]
    log: Path

    def run(self, *jwts: str) -> list[dict[str, Any]]:
        """Run a job for each JWT, all at once, and return how each one ended."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(jwts) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.logged()
        found: list[dict[str, Any]] = json.loads(line)
        return found

    def logged(self) -> str:
        """Return what the worker and the application wrote until now."""
        return self.log.read_text(encoding="utf-8")


@contextmanager
def hosting(tool: str, mode: Mode, folder: Path, redis_url: str) -> Iterator[Host]:
    """Run a tool's worker, if it has one, and an application, until the context ends."""
    write_files_of_the_page(folder)
    module = {"rq": "queued"}.get(tool, "tasks")
    (folder / "warm.py").write_text(_WARM.format(module=module), encoding="utf-8")
    (folder / "immediate.py").write_text(_IMMEDIATE, encoding="utf-8")
    environment = mode.environment(
        REDIS_URL=redis_url,
        DJANGO_SETTINGS_MODULE="immediate" if tool == "django immediate" else "project",
        PYTHONUNBUFFERED="1",
    )
    environment["PYTHONPATH"] += f"{os.pathsep}{folder}"
    log = folder / "worker.log"

    def start(
        *arguments: str, stdin: int | None = None, stdout: int | None = None
    ) -> subprocess.Popen[str]:
        return Child(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            text=True,
            stdin=stdin,
            stdout=stdout or output,
            stderr=output,
        )

    with ExitStack() as stack:
        output = stack.enter_context(log.open("w", encoding="utf-8"))
        if tool == "django database":
            migrated = start("-m", "django", "migrate", "--verbosity", "0")
            assert migrated.wait(60) == 0, log.read_text(encoding="utf-8")
        worker = None
        if tool in WORKERS:
            command = WORKERS[tool].format(redis=redis_url).split()
            worker = start("-m", *command)
            stack.callback(worker.wait, 60)
            stack.callback(worker.terminate)
        program = str(PROGRAMS / "job_host.py")
        process = start(program, tool, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stack.callback(process.wait, 60)
        stack.enter_context(process)
        yield Host(process, log)
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0, log.read_text(encoding="utf-8")
        if worker:
            worker.terminate()
            assert worker.wait(60) == 0, log.read_text(encoding="utf-8")
