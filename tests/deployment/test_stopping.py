"""A server that is stopped ends the requests that it has."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

import pytest
import requests

from deployment.page import FRAMEWORKS, application, command
from support.children import Child
from support.servers import reserved_port, surroundings, wait_for_port
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_request_in_progress_gets_its_response(framework: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        vendo = stack.enter_context(LocalVendo(["gmail"]))
        process = stack.enter_context(
            Child(
                [sys.executable, "-m", *(part.format(port=port) for part in command(framework))],
                cwd=application(framework, tmp_path),
                env=surroundings(
                    {**vendo.environment(), "VENDO_TOKEN_SHOP_SECRET_KEY": "not-a-secret-" * 4}
                ),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        pool = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(process.kill)
        assert process.stdout
        wait_for_port(port, process)
        with vendo.hold("credentials") as gate:
            url = f"http://127.0.0.1:{port}/page/gmail/"
            response = pool.submit(requests.get, url, timeout=60)
            gate.wait_for(1, timeout=60)
            process.send_signal(signal.SIGTERM)
            _read_to(process.stdout, "term")
        assert response.result().text == vendo.token("gmail")
        rest = process.stdout.read()
        assert process.wait(60) == 0, rest
    assert "Traceback" not in rest
    assert "Unclosed" not in rest


def _read_to(lines: IO[str], text: str) -> None:
    """Read lines until one has a text."""
    read = []
    for line in lines:
        read.append(line)
        if text in line.lower():
            return
    raise AssertionError("".join(read))
