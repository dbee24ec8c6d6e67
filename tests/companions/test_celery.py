"""Celery's worker of a Django project."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from support.children import Child
from support.servers import surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions

_WORKER = (
    "celery --quiet --app=companions.jobs worker --concurrency=1 --max-tasks-per-child=1 "
    "--without-mingle --without-gossip --without-heartbeat"
)
_SENDER = """
import json, sys
from companions.jobs import profile

def outcome(result):
    try:
        return result.get(60, interval=0.02)
    except Exception as error:
        return [type(error).__name__, error.slug]

waiting = [profile.delay(*arguments) for arguments in json.load(sys.stdin)]
print(json.dumps(list(map(outcome, waiting))))
"""


class Jobs:
    """Sends jobs to a worker."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = surroundings(environment)

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker. Each of its processes does one job."""
        command = [sys.executable, "-m", *_WORKER.split()]
        with Child[bytes](command, env=self.environment) as worker:
            try:
                yield worker
            finally:
                worker.terminate()
                worker.wait(60)

    def sending(self, *arguments: tuple[str, str]) -> subprocess.Popen[str]:
        """Send a job for each slug and user."""
        sender = Child(
            [sys.executable, "-c", _SENDER],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert sender.stdin is not None
        sender.stdin.write(json.dumps(arguments))
        sender.stdin.close()
        return sender

    def results(self, sender: subprocess.Popen[str]) -> list[Any]:
        """Return the results of the jobs, once they are done."""
        with sender:
            assert sender.stdout is not None
            found: list[Any] = json.loads(sender.stdout.read())
            return found


@pytest.fixture
def jobs(environment: dict[str, str], tmp_path: Path) -> Jobs:
    settings = {"DJANGO_SETTINGS_MODULE": "companions.jobs_settings", "SITE_JOBS": str(tmp_path)}
    return Jobs({**environment, **settings})


def test_a_job_acts_for_its_user_and_is_tried_again_while_vendo_is_down(
    jobs: Jobs, server: LocalVendo
) -> None:
    server.fail("credentials", 503, slug="gmail", times=3)  # as often as one try sends it
    with jobs.worker():
        ada, sam, missing = jobs.results(
            jobs.sending(
                ("gmail", "ada.jwt"),
                ("gmail", "sam.jwt"),
                ("slack", "ada.jwt"),
            )
        )
    assert ada["address"] != sam["address"]
    assert ada["pid"] != sam["pid"]
    assert ada["tries"] + sam["tries"] == 1
    assert missing == ["NotConnected", "slack"]


def test_a_worker_that_stops_finishes_its_job_and_the_next_has_a_fresh_token(
    jobs: Jobs, server: LocalVendo
) -> None:
    with server.hold("provider", "gmail") as gate:
        with jobs.worker() as worker:
            sender = jobs.sending(("gmail", "ada.jwt"))
            gate.wait_for(1, 60)
            worker.terminate()
            gate.release()
        (first,) = jobs.results(sender)
    server.expire("gmail")
    seen = server.count("provider")
    with jobs.worker():
        (second,) = jobs.results(jobs.sending(("gmail", "ada.jwt")))
    assert first["address"] == second["address"]
    assert server.count("provider") == seen + 1  # no 401
