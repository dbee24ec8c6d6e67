"""Django REST framework, django-ninja, django-environ and WhiteNoise, on one site."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from companions import ADA, JWT
from companions.django_sites import SITES, UVICORN
from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions

APIS = ("drf/token", "ninja/token", "ninja/atoken")


@pytest.fixture(scope="module", params=SITES)
def site(
    request: pytest.FixtureRequest, environment: dict[str, str], folder: Path, database: None
) -> Iterator[str]:
    with serving(SITES[request.param], environment, folder, options=()) as url:
        yield url


def test_in_debug_mode_the_middleware_responds_to_errors_of_each_api(
    environment: dict[str, str], database: None, tmp_path: Path
) -> None:
    with serving(UVICORN, {**environment, "SITE_DEBUG": "1"}, tmp_path, options=()) as url:
        for api in APIS:
            assert get(f"{url}/{api}/slack/").status_code == 424


def get(url: str, headers: dict[str, str] = ADA, **how: Any) -> requests.Response:
    return requests.get(url, headers=headers, timeout=30, **how)


@pytest.mark.parametrize("api", APIS)
def test_an_endpoint_acts_for_the_signed_in_user(site: str, server: LocalVendo, api: str) -> None:
    response = get(f"{site}/{api}/gmail/")
    assert response.json()["token"] == server.token("gmail", user=JWT)
    assert response.json()["user"] == "usr_ada"
    assert "X-Vendo-User-JWT" in response.headers["Vary"]


@pytest.mark.parametrize("api", ["drf/token", "ninja/token"])
def test_an_api_without_its_user_stays_closed(site: str, api: str) -> None:
    assert get(f"{site}/{api}/gmail/", {}).status_code in {401, 403}


@pytest.mark.parametrize("api", APIS)
def test_the_middleware_responds_to_an_error_of_an_endpoint(site: str, api: str) -> None:
    response = get(f"{site}/{api}/slack/")
    assert response.status_code == 424
    link = response.json()["error"]["connect_url"]
    assert link == f"/api/vendo/connect/slack/?next=%2F{api.replace('/', '%2F')}%2Fslack%2F"
    page = get(f"{site}/{api}/slack/", {**ADA, "Accept": "text/html"})
    assert page.status_code == 424
    assert "Connect Slack" in page.text


def test_an_exception_handler_of_rest_framework_has_its_own_form(site: str) -> None:
    assert get(f"{site}/drf/own/gmail/").status_code == 200
    response = get(f"{site}/drf/own/slack/")
    assert (response.status_code, response.json()) == (424, {"detail": "binding_missing"})


def test_while_vendo_is_down_each_api_responds_with_502(site: str) -> None:
    with ThreadPoolExecutor() as pool:
        urls = [f"{site}/{api}/openai/" for api in (*APIS, "drf/own")]
        assert [response.status_code for response in pool.map(get, urls)] == [502] * 4


def test_a_client_out_of_a_request_of_rest_framework_varies_on_the_user(
    site: str, server: LocalVendo
) -> None:
    response = get(f"{site}/drf/client/")
    assert response.json() == {"token": server.token("gmail", user=JWT)}
    assert "X-Vendo-User-JWT" in response.headers["Vary"]


def test_the_browsable_api_shows_no_secret(site: str, server: LocalVendo) -> None:
    page = get(f"{site}/drf/own/slack/", {**ADA, "Accept": "text/html"})
    assert page.status_code == 424
    for secret in (JWT, server.api_key, server.token("gmail", user=JWT)):
        assert secret not in page.text


@pytest.mark.parametrize("path", ["api/vendo/webhook", "drf/webhook", "ninja/webhook"])
def test_a_webhook_reaches_the_ready_view_and_a_view_of_each_api(
    site: str, server: LocalVendo, path: str
) -> None:
    event = {"type": "connection.changed", "data": {"slug": "gmail"}}
    headers, body = server.sign_webhook(event)
    headers = {**headers, "Content-Type": "application/json"}
    response = requests.post(f"{site}/{path}/", data=body, headers=headers, timeout=30)
    assert response.status_code == 200, response.text
    if path != "api/vendo/webhook":
        assert response.json()["slug"] == "gmail"
    response = requests.post(f"{site}/{path}/", data=body + b" ", headers=headers, timeout=30)
    assert response.status_code == 400


def test_a_page_and_static_files_are_served_beside_each_other(
    site: str, server: LocalVendo
) -> None:
    assert "color: black" in get(f"{site}/static/site.css").text
    for path in ("page", "apage"):
        response = get(f"{site}/{path}/")
        assert response.text == server.token("gmail", user=JWT)
        assert "X-Vendo-User-JWT" in response.headers["Vary"]


def test_a_user_connects_a_provider(site: str, server: LocalVendo) -> None:
    with requests.Session() as browser:
        browser.headers.update(ADA)
        url = f"{site}/api/vendo/connect/github/?next=/page/"
        leaving = browser.get(url, timeout=30, allow_redirects=False)
        assert leaving.headers["Location"].startswith(server.url)


def test_the_database_is_the_one_of_the_credential(site: str, server: LocalVendo) -> None:
    get(f"{site}/page/")
    path = urlsplit(server.token("app-database")).path
    with closing(sqlite3.connect(path)) as database:
        users = database.execute("SELECT username FROM auth_user").fetchall()
    assert users == [("usr_ada",)]
