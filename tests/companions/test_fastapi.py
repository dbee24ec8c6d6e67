"""SQLModel, and Starlette's sessions before and after Vendo, on a site of FastAPI."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import requests

from companions import ADA, JWT
from companions.visits import connect, deliver
from support.connect_flow import BROWSER, button_of
from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions


@pytest.fixture(scope="module", params=["vendo_outside", "vendo_inside"])
def site(
    request: pytest.FixtureRequest, environment: dict[str, str], folder: Path
) -> Iterator[str]:
    app = f"companions.fastapi_site:{request.param}"
    command = ["uvicorn", "--port={port}", "--log-level=warning", app]
    with serving(command, {**environment, "VENDO_AUTH": ""}, folder) as url:
        yield url


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as browser:
        yield browser


def test_a_database_session_and_a_session_of_a_provider_are_used_together(
    site: str, server: LocalVendo
) -> None:
    jwts = [f"user.{number}.jwt" for number in range(8)]

    def visit(jwt: str) -> str:
        headers = {"X-Vendo-User-JWT": jwt}
        token = requests.get(f"{site}/token", headers=headers, timeout=30)
        assert token.json() == server.token("gmail", user=jwt)
        assert "X-Vendo-User-JWT" in token.headers["Vary"]
        response = requests.get(f"{site}/mail", headers=headers, timeout=30)
        address: str = response.json()["address"]
        return address

    with ThreadPoolExecutor(4) as pool:
        addresses = list(pool.map(visit, jwts))
    assert len(set(addresses)) == len(jwts)
    stored = requests.get(f"{site}/mails", timeout=30).json()
    assert stored.count(addresses[0]) == 1
    assert set(addresses) <= set(stored)


@pytest.mark.parametrize(("slug", "status"), [("slack", 424), ("openai", 502)])
def test_an_error_of_vendo_rolls_the_database_back(site: str, slug: str, status: int) -> None:
    response = requests.get(f"{site}/failing/{slug}", headers=ADA, timeout=30)
    assert response.status_code == status
    assert slug not in requests.get(f"{site}/mails", timeout=30).json()


@pytest.mark.parametrize("path", ["failing/slack", "guarded"])
def test_the_page_of_an_error_knows_the_user_of_the_session(
    site: str, browser: requests.Session, path: str
) -> None:
    browser.headers.update(BROWSER)
    page = browser.get(f"{site}/{path}", timeout=30)
    assert (page.status_code, button_of(page.text)) == (424, None)
    browser.get(f"{site}/log-in", params={"name": "ada"}, timeout=30)
    page = browser.get(f"{site}/{path}", timeout=30)
    assert page.status_code == 424
    link = f"/api/vendo/connect/slack/?next=%2F{path.replace('/', '%2F')}"
    assert button_of(page.text) == link


def test_a_user_of_the_session_connects_a_provider(
    site: str, server: LocalVendo, browser: requests.Session
) -> None:
    link = f"{site}/api/vendo/connect/github/"
    assert browser.get(link, timeout=30, allow_redirects=False).status_code == 403
    browser.get(f"{site}/log-in", params={"name": "ada"}, timeout=30)
    assert connect(browser, site, server, "github") == "/mailbox"
    assert browser.get(f"{site}/failing/github", timeout=30).status_code == 200


def test_a_webhook_needs_no_session(
    site: str, server: LocalVendo, environment: dict[str, str]
) -> None:
    event = f"evt_{uuid4().hex}"
    assert [deliver(site, server, event).status_code for _ in range(2)] == [200, 200]
    assert Path(environment["SITE_HANDLED"]).read_text().split().count(event) == 1


def test_a_user_is_asked_for_a_token_of_their_own(site: str, server: LocalVendo) -> None:
    server.expire("gmail", user=JWT)
    token = requests.get(f"{site}/token", headers=ADA, timeout=30).json()
    assert token == server.token("gmail", user=JWT)
