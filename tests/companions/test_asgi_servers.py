"""ASGI servers whose main process starts workers: gunicorn, hypercorn and granian."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from companions import ADA, JWT
from support.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions

_APP = "companions.asgi_site:app"
_GUNICORN = [
    "gunicorn", "--bind=127.0.0.1:{port}", "--worker-class=uvicorn_worker.UvicornWorker", _APP
]  # fmt: skip
COMMANDS = {
    "gunicorn": _GUNICORN,
    "gunicorn, preloaded": [*_GUNICORN, "--preload"],
    # Before 0.18 no signal replaces a worker. So it ends after some requests.
    "hypercorn": ["hypercorn", "--bind=127.0.0.1:{port}", "--max-requests=20", _APP],
    "granian": ["granian", "--port={port}", "--interface=asgi", _APP],
}  # fmt: skip


@pytest.fixture(params=COMMANDS)
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def running(name: str, environment: dict[str, str], tmp_path: Path) -> Any:
    """Return a context in which the server serves."""
    return lambda: serving(COMMANDS[name], environment, tmp_path)


def get(url: str) -> requests.Response:
    return requests.get(url, headers=ADA, timeout=30)


def test_a_request_acts_for_its_user_and_an_error_gets_its_response(
    running: Any, server: LocalVendo
) -> None:
    with running() as site:
        with ThreadPoolExecutor() as pool:
            urls = [f"{site}/token/{slug}" for slug in ("gmail", "slack", "openai")]
            token, missing, down = pool.map(get, urls)
        assert token.text == server.token("gmail", user=JWT)
        assert (missing.status_code, down.status_code) == (424, 502)
        url = f"{site.replace('http:', 'ws:')}/talk"
        with connect(url, additional_headers=ADA, proxy=None, open_timeout=60) as socket:
            socket.send("gmail")
            assert socket.recv(30) == server.token("gmail", user=JWT)
            socket.send("slack")
            with pytest.raises(ConnectionClosedError, match="binding_missing"):
                socket.recv(30)


def test_workers_that_are_replaced_take_tokens_and_connections_of_their_own(
    name: str, running: Any, server: LocalVendo
) -> None:
    with running() as site:
        former = get(f"{site}/process").json()
        assert get(f"{site}/mail").status_code == 200
        server.expire("gmail", user=JWT)
        if name != "hypercorn":
            os.kill(former["parent"], signal.SIGHUP)
        with _later_worker(site, former["worker"]) as worker:
            token = worker.get(f"{site}/token/gmail", timeout=30).text
            assert token == server.token("gmail", user=JWT)
            assert worker.get(f"{site}/mail", timeout=30).status_code == 200


def _later_worker(site: str, former: int) -> requests.Session:
    """Wait until another worker responds, all that a server shows of it. Return a connection."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        session = requests.Session()
        session.headers.update(ADA)
        with suppress(requests.RequestException):
            if session.get(f"{site}/process", timeout=30).json()["worker"] != former:
                return session
        session.close()
    raise AssertionError("no worker was replaced")


def test_a_server_that_stops_finishes_its_requests_and_starts_again_with_fresh_tokens(
    running: Any, server: LocalVendo
) -> None:
    for _ in range(2):
        with (
            running() as site,
            server.hold("provider", "gmail") as gate,
            ThreadPoolExecutor(1) as pool,
        ):
            main = get(f"{site}/process").json()["parent"]
            last = pool.submit(get, f"{site}/mail")
            gate.wait_for(1, 30)
            os.kill(main, signal.SIGTERM)
            gate.release()
            assert last.result(30).status_code == 200
        server.expire("gmail", user=JWT)
