"""Settings of every test: required tools, time limits, Ctrl-C, a small heap."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from support.redis_server import redis_server
from support.tools import TOOLS, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

# Without a database: a read-only checkout cannot store one.
_BUSY = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None, print_blob=True
)
settings.register_profile("busy machine", _BUSY)
settings.register_profile("fuzz", _BUSY, max_examples=1_000)
settings.load_profile("busy machine")


def pytest_configure(config: pytest.Config) -> None:
    for name, tool in TOOLS.items():
        config.addinivalue_line("markers", f"{name}: needs {' and '.join(tool.programs)}")
    try:
        required()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_xdist_auto_num_workers() -> int | None:
    """Take one process more than there are cores: a test that waits leaves one idle."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # pytest-xdist reads the variable itself
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection; some tests collect often."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test without its tool, or fail it if the tool is required."""
    for name, tool in TOOLS.items():
        if item.get_closest_marker(name) and not tool.is_installed:
            reason = f"{name} is missing: {tool.install}"
            if name in required():
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Chrome]:
    from support.browser import chromium  # selenium is not in every environment

    with chromium() as running:
        yield running


@pytest.fixture
def browser(_chromium: Chrome) -> Iterator[Chrome]:
    """A browser without state of another test."""
    from support.browser import forget

    yield _chromium
    forget(_chromium)


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that all tests of this process share."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.port


@pytest.fixture(autouse=True, scope="session")
def _interrupts() -> None:
    """Make programs react to Ctrl-C, even if the tests run in the background of a shell.

    Such a shell ignores SIGINT, and child processes inherit that: a test that interrupts its
    program would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
