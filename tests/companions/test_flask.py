"""Flask-Login, Flask-WTF and Flask-Limiter, on one site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from companions.visits import connect, deliver
from support.connect_flow import BROWSER, button_of
from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions

_GUNICORN = ["gunicorn", "--bind=127.0.0.1:{port}", "--threads=4", "companions.flask_site:app"]


@pytest.fixture
def site(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """A site of its own for each test, as limits count requests. The proxy is not in front."""
    with serving(_GUNICORN, {**environment, "VENDO_AUTH": ""}, tmp_path) as url:
        yield url


def log_in(browser: requests.Session, site: str) -> None:
    form = {"csrf_token": browser.get(f"{site}/form", timeout=30).text, "name": "ada"}
    assert browser.post(f"{site}/login", data=form, timeout=30).text == "ada"


def test_a_user_of_flask_login_connects_a_provider_and_has_its_token(
    site: str, server: LocalVendo
) -> None:
    with requests.Session() as browser:
        browser.headers["Accept"] = BROWSER["Accept"]
        assert browser.get(f"{site}/token/gmail", timeout=30).status_code == 401
        page = browser.get(f"{site}/open/notion", timeout=30)
        assert (page.status_code, button_of(page.text)) == (424, None)
        link = f"{site}/api/vendo/connect/notion/"
        assert browser.get(link, timeout=30, allow_redirects=False).status_code == 403

        log_in(browser, site)
        assert browser.get(f"{site}/token/gmail", timeout=30).text == server.token("gmail")
        page = browser.get(f"{site}/token/notion", timeout=30)
        assert page.status_code == 424
        assert button_of(page.text) == "/api/vendo/connect/notion/?next=%2Ftoken%2Fnotion"
        assert connect(browser, site, server, "notion") == "/mailbox"
        assert browser.get(f"{site}/token/notion", timeout=30).text == server.token("notion")
        assert browser.get(f"{site}/token/openai", timeout=30).status_code == 502


def test_a_limit_of_the_blueprint_counts_visits_of_the_connect_view(site: str) -> None:
    link = f"{site}/api/vendo/connect/slack/"
    with requests.Session() as browser:
        log_in(browser, site)
        visits = [browser.get(link, timeout=30, allow_redirects=False) for _ in range(6)]
        assert [visit.status_code for visit in visits] == [*([302] * 5), 429]
        # An error page asks who may connect. That is no visit.
        for _ in range(6):
            assert browser.get(f"{site}/open/slack", timeout=30).status_code == 424


def test_webhooks_need_no_csrf_token_and_have_no_limit(
    site: str, server: LocalVendo, environment: dict[str, str]
) -> None:
    events = [f"evt_{number}" for number in range(6)]
    assert {deliver(site, server, event).status_code for event in [*events, *events]} == {200}
    assert Path(environment["SITE_HANDLED"]).read_text().split() == events
    form = {"name": "eve"}
    assert requests.post(f"{site}/login", data=form, timeout=30).status_code == 400
