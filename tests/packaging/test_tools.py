"""A test without its tool is skipped with one line, or fails if the tool is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.tools import REQUIRE, TOOLS, required

TESTS = Path(__file__).parents[1]
LINE = "redis is missing: install Debian's package redis-server"


def run_redis_tests(folder: Path, require: str) -> subprocess.CompletedProcess[str]:
    """Run the Flask adapter's Redis tests with an empty PATH."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "-m", "redis"),
            str(TESTS / "flask_adapter" / "test_views.py"),
        ],
        env={**os.environ, "PATH": str(folder), REQUIRE: require},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_missing_tool_skips_its_tests_and_names_the_package(
    tmp_path: Path,
) -> None:
    done = run_redis_tests(tmp_path, "")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(LINE) == 1
    assert "1 skipped" in done.stdout


def test_missing_required_tool_fails_its_tests(tmp_path: Path) -> None:
    done = run_redis_tests(tmp_path, "redis")

    assert done.returncode == 1, done.stdout + done.stderr
    assert LINE in done.stdout
    assert "Traceback" not in done.stdout


def test_unknown_tool_is_a_usage_error(tmp_path: Path) -> None:
    done = run_redis_tests(tmp_path, "redis,brwoser")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip() == (
        "ERROR: VENDO_TESTS_REQUIRE names brwoser. Fix: use browser, nginx, redis."
    )


@pytest.mark.parametrize("value", ["", " ", ",", " , "])
def test_only_named_tools_are_required(value: str) -> None:
    assert required(value) == set()


def test_every_tool_can_be_required() -> None:
    assert required(" redis, browser,nginx ") == set(TOOLS)
