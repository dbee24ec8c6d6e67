"""Jobs of Celery, RQ, APScheduler, Django and threads: users, renewal, errors and retries."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from interop.conftest import PROGRAMS
from interop.job_tools import Host, hosting, jwt_of, tools, write_files_of_the_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interop.conftest import Mode

ANN, BOB = jwt_of("ann"), jwt_of("bob")


@pytest.fixture
def start(
    mode: Mode, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Host]]:
    """Start a tool's worker and an application, until the test ends."""
    with ExitStack() as stack:

        def started(tool: str) -> Host:
            url = "redis://127.0.0.1:1"
            if request.node.get_closest_marker("redis"):
                url = f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}/7"
                with Redis.from_url(url) as redis:
                    redis.flushdb()
            return stack.enter_context(hosting(tool, mode, tmp_path, url))

        yield started


def values(outcomes: list[dict[str, Any]]) -> list[Any]:
    return [outcome.get("value", outcome) for outcome in outcomes]


@pytest.mark.parametrize("tool", tools())
def test_jobs_at_once_act_for_their_own_user(
    mode: Mode, start: Callable[[str], Host], tool: str
) -> None:
    host = start(tool)
    outcomes = host.run(*[ANN, BOB] * 3)
    owner = "owner@example.com"
    both = [owner, owner] if mode.name == "oss" else ["ann@example.com", "bob@example.com"]
    assert values(outcomes) == both * 3

    token = partial(mode.server.token, "gmail")
    shown = host.logged() + str([outcome.get("stored") for outcome in outcomes])
    for secret in (ANN, BOB, token(), token(ANN), token(BOB)):
        assert secret[:40] not in shown  # RQ shortens what it shows

    if mode.name == "vendo":
        mode.server.rotate("gmail")
        assert values(host.run(ANN, BOB)) == both


@pytest.mark.parametrize("mode", ["vendo"], indirect=True)
@pytest.mark.parametrize("tool", tools("threads", "thread", "scheduler threads", "asyncio"))
def test_jobs_of_one_user_in_one_process_take_one_request(
    mode: Mode, start: Callable[[str], Host], tool: str
) -> None:
    assert values(start(tool).run(*[ANN] * 4)) == ["ann@example.com"] * 4
    assert mode.server.count("credentials") == 1


@pytest.mark.parametrize("tool", tools())
def test_failed_job_names_the_provider_and_the_fix(
    mode: Mode, start: Callable[[str], Host], tool: str
) -> None:
    mode.server.disconnect("gmail")
    mode.variables.pop("GMAIL_ACCESS_TOKEN", None)
    (outcome,) = start(tool).run(ANN)

    fix = {"oss": "Set GMAIL_ACCESS_TOKEN", "vendo": "Connect gmail"}[mode.name]
    last = outcome["text"].strip().splitlines()[-1]
    assert "gmail" in last
    assert f"Fix: {fix}" in last
    assert ANN not in outcome["text"]
    assert outcome.get("type", "NotConnected") == "NotConnected"
    if "type" not in outcome:  # RQ has the text alone
        assert last.startswith("vendo.errors.NotConnected: ")
    for slug, code, suggested_fix, name in outcome.get("attributes", []):
        assert (slug, code, name) == ("gmail", "binding_missing", "NotConnected")
        assert suggested_fix.startswith(fix)


@pytest.mark.parametrize("mode", ["vendo"], indirect=True)
@pytest.mark.parametrize("tool", tools("celery prefork", "rq"))
@pytest.mark.parametrize("status", [429, 503])
def test_job_is_retried_after_the_pause_that_vendo_requests(
    mode: Mode, start: Callable[[str], Host], tool: str, status: int
) -> None:
    host = start(tool)
    host.run(BOB)
    # The library sends a request again after a 503, twice.
    mode.server.fail("credentials", status=status, times=3 if status == 503 else 1, retry_after=1)
    assert values(host.run(ANN)) == ["ann@example.com"]
    assert "Retry in 1s" in host.logged() or "scheduled for retry" in host.logged()
    assert ANN[:40] not in host.logged()


@pytest.mark.parametrize("mode", ["vendo"], indirect=True)
def test_django_task_is_enqueued_again_after_the_pause_that_vendo_requests(
    mode: Mode, start: Callable[[str], Host], tmp_path: Path
) -> None:
    host = start("django database")
    mode.server.fail("credentials", status=429, retry_after=1)
    assert values(host.run(ANN)) == [None]
    mode.server.wait_for_requests(1, "provider", timeout=60)

    with closing(sqlite3.connect(tmp_path / "project.sqlite3")) as database:
        rows = database.execute(
            "SELECT enqueued_at, run_after FROM django_tasks_database_dbtaskresult"
            " ORDER BY enqueued_at"
        ).fetchall()
    enqueued, due = map(datetime.fromisoformat, rows[1])
    assert timedelta(seconds=0.5) < due - enqueued <= timedelta(seconds=1)


def test_cron_script_ends_with_the_fix_on_stderr(mode: Mode, tmp_path: Path) -> None:
    write_files_of_the_page(tmp_path)

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "nightly.py"],
            cwd=tmp_path,
            env=mode.environment(),
            capture_output=True,
            text=True,
        )

    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0

    mode.server.disconnect("gmail")
    mode.variables.pop("GMAIL_ACCESS_TOKEN", None)
    done = run()
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "gmail" in line
    assert "Fix: " in line


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
