"""What the log of a real server shows, where no logging is set up."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest
import requests

from starlette_adapter import failing
from starlette_adapter.test_servers import command
from support.servers import listening, reserved_port, surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo


@pytest.mark.parametrize("server_name", ["uvicorn", "hypercorn"])
@pytest.mark.parametrize("app", ["plain", "api"])
def test_every_internal_error_is_in_the_log(
    app: str, server_name: str, server: LocalVendo, tmp_path: Path
) -> None:
    server.fail("credentials", status=503, times=None)
    log_file = tmp_path / "server.log"
    run = command(server_name, f"starlette_adapter.failing:{app}")
    environment = surroundings(server.environment("gmail"))
    with reserved_port() as port:
        whole = [sys.executable, "-m", *(argument.format(port=port) for argument in run)]
        with listening(whole, port, log_file, cwd=tmp_path, env=environment):
            _visit(f"http://127.0.0.1:{port}")
    log = log_file.read_text()
    for text in (*(text for _, text in failing.PATHS.values()), "failed-stream"):
        assert text in log
    assert "failed-websocket" in log
    assert "were not checked" in log
    assert server.api_key not in log


def _visit(site: str) -> None:
    for path, (status, _) in failing.PATHS.items():
        assert requests.get(site + path, timeout=30).status_code == status
    with pytest.raises(requests.RequestException):
        requests.get(f"{site}/stream", timeout=30)
    asyncio.run(_websocket_is_closed(site))


async def _websocket_is_closed(site: str) -> None:
    async with aiohttp.ClientSession() as browser, browser.ws_connect(f"{site}/ws") as ws:
        assert (await ws.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
