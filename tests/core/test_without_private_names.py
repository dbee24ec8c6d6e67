"""The library works, if more slowly or with more noise, without the private names that it uses."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

import vendo
from vendo._transports import import_locks, pending_tasks
from vendo.testing import LocalVendo


class PlainTask:
    """A task without the private attribute."""

    __slots__ = ()


def test_environment_without_its_table_is_read_as_a_mapping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {**os.environ, "OPENAI_API_KEY": "sk-1"}
    environment.pop("VENDO_API_KEY", None)
    monkeypatch.setattr(os, "environ", environment)
    assert vendo.token("openai") == "sk-1"
    environment["VENDO_TOKEN_OPENAI"] = "sk-2"
    assert vendo.token("openai") == "sk-2"


def test_task_without_the_attribute_is_left_as_it_is() -> None:
    pending_tasks.forget(PlainTask())  # type: ignore[arg-type]


def test_closed_loop_leaves_no_error_in_the_log(
    server: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    gc.collect()  # what earlier tests left
    caplog.clear()
    server.fail("credentials", latency=30.0)
    client = server.async_client(transport="threads")

    def abandon(call: Coroutine[Any, Any, object]) -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(call)
        loop.run_until_complete(asyncio.sleep(0.01))
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()

    abandon(client.token("gmail"))
    server.reset()
    assert asyncio.run(client.token("gmail")) == server.token("gmail")
    gc.collect()
    assert "destroyed" not in caplog.text


@pytest.mark.parametrize("table", ["{}", "None"])
def test_import_locks_are_left_alone_without_their_table(table: str) -> None:
    """Without the attribute, and where it is empty."""
    program = f"""
import os, sys
import _frozen_importlib
import vendo
from vendo._transports import import_locks
if {table} is None:
    del _frozen_importlib._module_locks
else:
    _frozen_importlib._module_locks = {table}
import_locks.release()
print("released")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("released\n", 0), done.stderr


def test_locks_of_other_packages_are_left_alone() -> None:
    before = dict(sys.modules)
    import_locks.release()
    assert dict(sys.modules) == before
