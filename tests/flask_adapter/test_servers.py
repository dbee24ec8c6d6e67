"""Real servers: gunicorn with forked workers and threads, and Flask's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from vendo.web import MAX_WEBHOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo

TESTS = Path(__file__).parents[1]

COMMANDS = {
    "gunicorn": [
        "gunicorn", "--workers=2", "--threads=4", "--preload",
        "--bind=127.0.0.1:{port}", "flask_adapter.site:make_app()",
    ],
    "flask": ["flask", "--app=flask_adapter.site:make_app", "run", "--port={port}"],
}  # fmt: skip


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[str]:
    """The address of a server that is started for the test, and stopped after it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [argument.format(port=port) for argument in command]
    log = folder / "server.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env={**os.environ, **environment, "PYTHONPATH": str(TESTS)},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)
    complaints = log.read_text()
    assert "Traceback" not in complaints
    assert environment["VENDO_API_KEY"] not in complaints


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # a port has nothing to wait on
    raise AssertionError(log.read_text())


@pytest.fixture(params=COMMANDS)
def site(request: pytest.FixtureRequest, server: LocalVendo, tmp_path: Path) -> Iterator[str]:
    environment = {**server.environment("gmail"), "VENDO_AUTH": "1"}
    with running(COMMANDS[request.param], environment, tmp_path) as url:
        yield url


def test_a_deployment_behind_the_proxy(
    site: str, server: LocalVendo, proxy: dict[str, str]
) -> None:
    _crowds_keep_their_tokens(site, server)
    _streams_have_their_client(site, server)
    _sessions_reach_the_provider(site)
    _people_are_signed_in(site, proxy)
    _webhooks_of_any_form_are_bounded(site, server)
    _a_person_can_connect(site, server, proxy)


def _crowds_keep_their_tokens(site: str, server: LocalVendo) -> None:
    people = [f"person.{number}.jwt" for number in range(20)]

    def visit(jwt: str) -> bool:
        with requests.Session() as session:
            session.headers["X-Vendo-User-JWT"] = jwt
            answers = {
                session.get(f"{site}/{path}/", timeout=30).text
                for path in ("token", "atoken", "token")
            }
        return answers == {server.token("gmail", user=jwt)}

    with ThreadPoolExecutor(len(people)) as pool:
        assert all(pool.map(visit, people))


def _streams_have_their_client(site: str, server: LocalVendo) -> None:
    for path in ("stream", "kept-stream"):
        answer = requests.get(
            f"{site}/{path}/", headers={"X-Vendo-User-JWT": "person.s.jwt"}, timeout=30
        )
        assert answer.text.split() == [server.token("gmail", user="person.s.jwt")] * 3


def _sessions_reach_the_provider(site: str) -> None:
    assert requests.get(f"{site}/profile/", timeout=30).json()["emailAddress"]


def _people_are_signed_in(site: str, proxy: dict[str, str]) -> None:
    answer = requests.get(f"{site}/api/vendo/identity", headers=proxy, timeout=30)
    assert answer.json()["email"] == "ada@example.com"
    assert requests.get(f"{site}/api/vendo/identity", timeout=30).status_code == 401
    for headers, who in ((proxy, "5f0c1a9e"), ({}, None)):
        answer = requests.get(f"{site}/identity/", headers=headers, timeout=30)
        assert answer.json()["identity"] == who


def _webhooks_of_any_form_are_bounded(site: str, server: LocalVendo) -> None:
    url = f"{site}/api/vendo/webhook/"
    headers, body = server.sign_webhook({"id": "evt_1", "type": "t", "data": {}})
    for data, status in ((body, 200), (body + b" ", 400), (iter([body]), 200)):
        assert requests.post(url, data=data, headers=headers, timeout=30).status_code == status
    large = b"x" * (MAX_WEBHOOK_BYTES + 1)
    for data in (large, iter([large, b"x"])):  # the second in chunks, without a length
        assert _refused(url, data, headers)


def _refused(url: str, data: bytes | Iterator[bytes], headers: dict[str, str]) -> bool:
    try:
        return requests.post(url, data=data, headers=headers, timeout=30).status_code == 413
    except requests.ConnectionError:
        return True  # it answered without reading all, and closed the connection on the rest


def _a_person_can_connect(site: str, server: LocalVendo, proxy: dict[str, str]) -> None:
    with requests.Session() as browser:
        browser.headers.update(proxy)
        leaving = browser.get(
            f"{site}/api/vendo/connect/slack/?next=/inbox", timeout=30, allow_redirects=False
        )
        location = leaving.headers["Location"]
        assert location.startswith(server.url)
        query = parse_qs(urlsplit(location).query)
        back = browser.get(
            query["return_to"][0],
            params={"state": query["state"][0]},
            timeout=30,
            allow_redirects=False,
        )
        assert back.headers["Location"] == "/inbox"
