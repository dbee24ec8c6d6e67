"""Real servers: gunicorn with forked workers and threads, and uvicorn."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from support.servers import serving, surroundings
from vendo.web import MAX_WEBHOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo

COMMANDS = {
    "gunicorn": [
        "gunicorn", "--workers=2", "--threads=4", "--preload",
        "--bind=127.0.0.1:{port}", "django_adapter.project:wsgi",
    ],
    "uvicorn": [
        "uvicorn", "--log-level=warning", "--port={port}", "--lifespan=off",
        "django_adapter.project:asgi",
    ],
}  # fmt: skip


@pytest.fixture(params=COMMANDS)
def site(request: pytest.FixtureRequest, server: LocalVendo, tmp_path: Path) -> Iterator[str]:
    environment = {
        **server.environment("gmail"),
        "VENDO_AUTH": "1",
        "VENDO_TOKEN_SITE_SECRET": "not-a-secret-" * 4,
        "SITE_DATABASE": str(tmp_path / "site.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "django_adapter.project_settings",
    }
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
        env=surroundings(environment),
        check=True,
    )
    server.clear_requests()
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
                for path in ("token", "atoken", "token-in-thread", "token")
            }
        return responses == {server.token("gmail", user=jwt)}

    with ThreadPoolExecutor(len(users)) as pool:
        assert all(pool.map(visit, users))


def _streams_have_their_client(site: str, server: LocalVendo) -> None:
    for path in ("stream", "astream"):
        response = requests.get(
            f"{site}/{path}/", headers={"X-Vendo-User-JWT": "user.s.jwt"}, timeout=30
        )
        assert response.text.split() == [server.token("gmail", user="user.s.jwt")] * 3


def _sessions_reach_the_provider(site: str) -> None:
    assert requests.get(f"{site}/profile/", timeout=30).json()["emailAddress"]


def _users_are_signed_in(site: str, proxy: dict[str, str]) -> None:
    with requests.Session() as browser:
        for path in ("identity", "aidentity", "api/vendo/identity"):
            response = browser.get(
                f"{site}/{path}", headers=proxy, timeout=30, allow_redirects=False
            )
            if path == "api/vendo/identity":
                assert response.json()["email"] == "ada@example.com"
            else:
                response = browser.get(f"{site}/{path}/", headers=proxy, timeout=30)
                assert response.json() == {"identity": "5f0c1a9e", "user": "5f0c1a9e"}
        assert browser.get(f"{site}/aidentity/", timeout=30).json()["user"] == ""
    assert requests.get(f"{site}/api/vendo/identity", timeout=30).status_code == 401


def _webhooks_have_a_size_limit(site: str, server: LocalVendo) -> None:
    url = f"{site}/api/vendo/webhook/"
    headers, body = server.sign_webhook({"id": "evt_1", "type": "t", "data": {}})
    assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 200
    assert requests.post(url, data=body + b" ", headers=headers, timeout=30).status_code == 400
    large = b"x" * (MAX_WEBHOOK_BYTES + 1)
    assert requests.post(url, data=large, headers=headers, timeout=30).status_code == 413
    # A chunked body without a length: ASGI reads all of it, WSGI none. Both reject it.
    chunks = requests.post(url, data=iter([large, b"x"]), headers=headers, timeout=30)
    assert chunks.status_code in {400, 413}


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
