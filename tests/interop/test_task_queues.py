"""Workers of Celery, RQ and APScheduler get a token and a session, and give errors back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from interop.conftest import Mode

PROGRAMS = Path(__file__).parent / "programs"
#: The worker looks for no others.
ALONE = "--without-mingle --without-gossip --without-heartbeat"


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_celery_returns_results_and_errors_as_json(mode: Mode, pool: str, tmp_path: Path) -> None:
    command = f"-m celery -A celery_app worker --pool {pool} --concurrency 2 {ALONE}"
    with subprocess.Popen(
        [sys.executable, *command.split()],
        cwd=tmp_path,
        env=mode.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as worker:
        try:
            report = mode.python(PROGRAMS / "celery_caller.py", folder=tmp_path)
        finally:
            worker.terminate()
            log, _ = worker.communicate(timeout=60)
    assert report["found"] == [mode.found] * 6, log
    assert (report["code"], report["slug"]) == ("binding_missing", "github")
    assert report["args"][0] == "binding_missing"
    assert worker.returncode == 0, log


@pytest.mark.redis
def test_rq_worker_forks_for_each_job(mode: Mode, redis_port: int, tmp_path: Path) -> None:
    address = f"redis://127.0.0.1:{redis_port}/7"
    report = mode.python(PROGRAMS / "rq_caller.py", address, folder=tmp_path)
    assert report["found"] == mode.found
    assert "NotConnected: " in report["failure"]
    assert mode.found["token"] not in report["failure"]


def test_apscheduler_runs_jobs_in_threads_in_processes_and_on_a_loop(
    mode: Mode, tmp_path: Path
) -> None:
    assert mode.python(PROGRAMS / "scheduled.py", folder=tmp_path) == {
        "lookup in threads": mode.found,
        "lookup in processes": mode.found,
        "fail in threads": ["NotConnected", "github"],
        "fail in processes": ["NotConnected", "github"],
        "on the loop": mode.found,
    }
