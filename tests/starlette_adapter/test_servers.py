"""Real servers, uvicorn and hypercorn: concurrent users, streams, WebSockets, shutdown."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import requests

from support.servers import serving
from vendo.web import MAX_WEBHOOK_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo

COMMANDS = {
    "uvicorn": ["uvicorn", "--log-level=info", "--port={port}", "{app}"],
    "uvicorn without lifespan": [
        "uvicorn", "--log-level=info", "--port={port}", "--lifespan=off", "{app}",
    ],
    "hypercorn": ["hypercorn", "--bind=127.0.0.1:{port}", "{app}"],
}  # fmt: skip

USERS = [f"user.{number}.jwt" for number in range(50)]
#: The number of concurrent requests.
CONCURRENT = 200


def command(server: str, app: str = "starlette_adapter.project:app") -> list[str]:
    """Return the command that starts a server, with a placeholder for the port."""
    return [part.replace("{app}", app) for part in COMMANDS[server]]


@pytest.fixture
def deployed(server: LocalVendo) -> dict[str, str]:
    return {**server.environment("gmail"), "VENDO_AUTH": "1"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_deployment_behind_the_proxy(
    name: str, server: LocalVendo, deployed: dict[str, str], tmp_path: Path, proxy: dict[str, str]
) -> None:
    with serving(command(name), deployed, tmp_path, signal.SIGINT) as site:
        asyncio.run(_concurrent_users_keep_their_tokens(site, server))
        _streams_have_their_sessions(site, server)
        asyncio.run(_websockets_have_their_sessions(site, server))
        _users_are_identified(site, proxy)
        _webhooks_have_a_size_limit(site, server)
        _a_user_can_connect(site, server, proxy)
        _errors_get_responses(site, server)


async def _concurrent_users_keep_their_tokens(site: str, server: LocalVendo) -> None:
    """Send 200 concurrent requests of 50 users, several times."""
    tokens = {jwt: server.token("gmail", user=jwt) for jwt in USERS}
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONCURRENT), timeout=timeout
    ) as browser:

        async def visit(path: str, jwt: str) -> Any:
            async with browser.get(site + path, headers={"X-Vendo-User-JWT": jwt}) as response:
                assert response.status == 200, await response.text()
                return await response.json()

        paths = ("/token", "/clients", "/token-in-thread", "/token")
        visits = [(path, jwt) for path in paths for jwt in USERS]
        assert len(visits) == CONCURRENT
        responses = await asyncio.gather(*(visit(*each) for each in visits))
        for (_, jwt), response in zip(visits, responses, strict=True):
            assert set(response if isinstance(response, list) else [response]) == {tokens[jwt]}
        # One request for each user at Vendo.
        assert server.count("credentials") == len(USERS)

        addresses: dict[str, set[str]] = {}
        for _ in range(2):
            visits = [
                (path, jwt) for path in ("/session", "/async-session", "/httpx", "/async-session")
                for jwt in USERS
            ]  # fmt: skip
            responses = await asyncio.gather(*(visit(*each) for each in visits))
            for (_, jwt), response in zip(visits, responses, strict=True):
                addresses.setdefault(jwt, set()).add(response["emailAddress"])
        assert all(len(found) == 1 for found in addresses.values())
        assert len({found.pop() for found in addresses.values()}) == len(USERS)
        seen = [request for request in server.requests if request.surface == "provider"]
        assert len(seen) == 2 * CONCURRENT
        sent = {request.headers["Authorization"].removeprefix("Bearer ") for request in seen}
        assert sent == set(tokens.values())
        # 400 requests did not open 400, also where the kept ones were closed between two rounds.
        assert server.connections_opened < 2 * CONCURRENT


def _streams_have_their_sessions(site: str, server: LocalVendo) -> None:
    found = set()
    for path in ("/stream/session", "/stream/async-session", "/stream/httpx"):
        response = requests.get(
            site + path, headers={"X-Vendo-User-JWT": USERS[0]}, timeout=30
        )  # fmt: skip
        lines = response.text.split()
        assert len(lines) == 3
        found.update(lines)
    assert len(found) == 1
    before = server.count("provider")
    assert requests.get(f"{site}/background", timeout=30).status_code == 200
    server.wait_for_requests(before + 3, "provider")


async def _websockets_have_their_sessions(site: str, server: LocalVendo) -> None:
    async with aiohttp.ClientSession() as browser:

        async def talk(jwt: str) -> list[str]:
            async with browser.ws_connect(f"{site}/ws", headers={"X-Vendo-User-JWT": jwt}) as ws:
                await ws.send_str("again")
                found: list[str] = json.loads(await ws.receive_str(timeout=30))
                return found

        responses = await asyncio.gather(*map(talk, USERS[:20]))
    for jwt, (token, other, address, other_address) in zip(USERS, responses, strict=False):
        assert token == other == server.token("gmail", user=jwt)
        assert address == other_address


def _users_are_identified(site: str, proxy: dict[str, str]) -> None:
    for path in ("/user", "/optional-user"):
        assert requests.get(site + path, headers=proxy, timeout=30).json() == "ada@example.com"
    identity = requests.get(f"{site}/api/vendo/identity", headers=proxy, timeout=30)
    assert identity.json()["email"] == "ada@example.com"
    for path in ("/user", "/api/vendo/identity"):
        assert requests.get(site + path, timeout=30).status_code == 401


def _webhooks_have_a_size_limit(site: str, server: LocalVendo) -> None:
    headers, body = server.sign_webhook({"id": "evt_1", "type": "t", "data": {}})
    large = b"x" * (MAX_WEBHOOK_BYTES + 1)
    for url in (f"{site}/api/vendo/webhook/", f"{site}/webhook"):
        for content, status in ((body, 200), (body + b" ", 400), (large, 413)):
            response = requests.post(url, data=content, headers=headers, timeout=30)
            assert response.status_code == status
        pieces = requests.post(url, data=iter([large, b"x"]), headers=headers, timeout=30)
        assert pieces.status_code == 413


def _a_user_can_connect(site: str, server: LocalVendo, proxy: dict[str, str]) -> None:
    with requests.Session() as browser:
        browser.headers.update(proxy)
        leaving = browser.get(
            f"{site}/api/vendo/connect/slack/?next=/inbox", timeout=30, allow_redirects=False
        )
        location = leaving.headers["Location"]
        assert location.startswith(server.url)
        query = parse_qs(urlsplit(location).query)
        assert query["return_to"] == [f"{site}/api/vendo/connect/done/"]
        back = browser.get(
            query["return_to"][0],
            params={"state": query["state"][0]},
            timeout=30,
            allow_redirects=False,
        )
        assert back.headers["Location"] == "/inbox"


def _errors_get_responses(site: str, server: LocalVendo) -> None:
    server.set_status("gmail", "needs_reauth")
    headers = {"X-Vendo-User-JWT": "user.new.jwt"}
    response = requests.get(f"{site}/token", headers=headers, timeout=30)
    assert response.status_code == 424
    link = response.json()["error"]["connect_url"]
    assert link == "/api/vendo/connect/gmail/?next=%2Ftoken"


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn"])
def test_a_server_does_not_start_without_required_credentials(name: str, tmp_path: Path) -> None:
    (tmp_path / "strict.py").write_text(
        "from fastapi import FastAPI\n"
        "from vendo_starlette import VendoMiddleware, VendoSettings\n"
        "app = FastAPI()\n"
        "app.add_middleware(VendoMiddleware, settings=VendoSettings(required=['openai']))\n"
    )
    arguments = [part.format(port=0) for part in command(name, "strict:app")]
    ended = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "OPENAI_API_KEY" in ended.stdout + ended.stderr
