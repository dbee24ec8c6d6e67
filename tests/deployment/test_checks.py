"""The commands with which the page ends say what a deployment lacks, and nothing else."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from deployment.page import PAGE, application, command
from support.servers import serving, surroundings
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

REDIS = "Two processes may handle one webhook"
#: The commands by the framework whose application they check.
COMMANDS = dict(
    zip(
        ("fastapi", "django", "flask"),
        re.findall(r"(?m)^\| `(.*(?:doctor|check).*?)` \|", PAGE.read_text(encoding="utf-8")),
        strict=True,
    )
)


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with LocalVendo(["gmail"]) as server:
        yield {**server.environment(), "VENDO_TOKEN_SHOP_SECRET_KEY": "not-a-secret-" * 4}


@pytest.mark.redis
@pytest.mark.parametrize("framework", COMMANDS)
def test_each_command_checks_a_deployment(
    framework: str, environment: dict[str, str], redis_port: int, tmp_path: Path
) -> None:
    words = shlex.split(COMMANDS[framework])
    program = words[1:] if words[0] == "python" else ["-m", *words]
    folder = application(framework, tmp_path)

    def run(**further: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, *program],
            cwd=folder,
            env=surroundings({**environment, **further}),
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    status, printed = run(VENDO_REDIS_URL=f"redis://127.0.0.1:{redis_port}/0")
    assert (status, REDIS in printed) == (0, False), printed
    assert REDIS in run()[1] or framework == "fastapi"
    status, printed = run(VENDO_API_KEY="vendo_sk_" + "x" * 32)
    assert status == 1, printed
    assert "key" in printed
    assert environment["VENDO_API_KEY"] not in printed


def test_a_fastapi_application_logs_what_is_missing_when_it_starts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = application("fastapi", tmp_path)
    with serving(command("fastapi", workers=1), environment, folder):
        pass
    assert REDIS in (folder / "server.log").read_text()
