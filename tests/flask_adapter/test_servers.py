"""Real servers: gunicorn with forked workers and threads, and Flask's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from support.servers import serving
from vendo.web import MAX_WEBHOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo

COMMANDS = {
    "gunicorn": [
        "gunicorn", "--workers=2", "--threads=4", "--preload",
        "--bind=127.0.0.1:{port}", "flask_adapter.site:make_app()",
    ],
    "flask": ["flask", "--app=flask_adapter.site:make_app", "run", "--port={port}"],
}  # fmt: skip


@pytest.fixture(params=COMMANDS)
def site(request: pytest.FixtureRequest, server: LocalVendo, tmp_path: Path) -> Iterator[str]:
    environment = {**server.environment("gmail"), "VENDO_AUTH": "1"}
    with serving(COMMANDS[request.param], environment, tmp_path) as url:
        yield url


def test_a_deployment_behind_the_proxy(
    site: str, server: LocalVendo, proxy: dict[str, str]
) -> None:
    _concurrent_users_keep_their_tokens(site, server)
    _streams_have_their_client(site, server)
    _sessions_reach_the_provider(site)
    _users_are_signed_in(site, proxy)
    _webhooks_have_a_size_limit(site, server)
    _a_user_can_connect(site, server, proxy)


def _concurrent_users_keep_their_tokens(site: str, server: LocalVendo) -> None:
    users = [f"user.{number}.jwt" for number in range(20)]

    def visit(jwt: str) -> bool:
        with requests.Session() as session:
            session.headers["X-Vendo-User-JWT"] = jwt
            responses = {
                session.get(f"{site}/{path}/", timeout=30).text
                for path in ("token", "atoken", "token")
            }
        return responses == {server.token("gmail", user=jwt)}

    with ThreadPoolExecutor(len(users)) as pool:
        assert all(pool.map(visit, users))


def _streams_have_their_client(site: str, server: LocalVendo) -> None:
    for path in ("stream", "kept-stream"):
        response = requests.get(
            f"{site}/{path}/", headers={"X-Vendo-User-JWT": "user.s.jwt"}, timeout=30
        )
        assert response.text.split() == [server.token("gmail", user="user.s.jwt")] * 3


def _sessions_reach_the_provider(site: str) -> None:
    assert requests.get(f"{site}/profile/", timeout=30).json()["emailAddress"]


def _users_are_signed_in(site: str, proxy: dict[str, str]) -> None:
    response = requests.get(f"{site}/api/vendo/identity", headers=proxy, timeout=30)
    assert response.json()["email"] == "ada@example.com"
    assert requests.get(f"{site}/api/vendo/identity", timeout=30).status_code == 401
    for headers, who in ((proxy, "5f0c1a9e"), ({}, None)):
        response = requests.get(f"{site}/identity/", headers=headers, timeout=30)
        assert response.json()["identity"] == who


def _webhooks_have_a_size_limit(site: str, server: LocalVendo) -> None:
    url = f"{site}/api/vendo/webhook/"
    headers, body = server.sign_webhook({"id": "evt_1", "type": "t", "data": {}})
    for data, status in ((body, 200), (body + b" ", 400), (iter([body]), 200)):
        assert requests.post(url, data=data, headers=headers, timeout=30).status_code == status
    large = b"x" * (MAX_WEBHOOK_BYTES + 1)
    for data in (large, iter([large, b"x"])):  # the second is chunked, without a length
        assert _is_rejected(url, data, headers)


def _is_rejected(url: str, data: bytes | Iterator[bytes], headers: dict[str, str]) -> bool:
    try:
        return requests.post(url, data=data, headers=headers, timeout=30).status_code == 413
    except requests.ConnectionError:
        return True  # the server responded and closed the connection before reading everything


def _a_user_can_connect(site: str, server: LocalVendo, proxy: dict[str, str]) -> None:
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
