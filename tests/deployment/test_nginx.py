"""Each application behind a real nginx that ends TLS and has the application below a prefix."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from deployment.page import FRAMEWORKS, NOBODY, command, proxied_application, replaced, texts
from deployment.visitor import HOST, Visitor
from support.connect_flow import button_of, cookie_of, query_of
from support.nginx import nginx, write_certificate
from support.servers import serving
from support.user import follow, press, text_of, wait_until_at
from vendo import sso
from vendo.testing import LocalVendo
from vendo.web import MAX_WEBHOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.nginx

CONNECT = "/app/api/vendo/connect"
USER = {
    "X-Vendo-User-Id": "usr_ada",
    "X-Vendo-User-Email": "ada@example.com",
    "X-Vendo-User-Name": "Ada",
    "X-Vendo-Tenant-Id": "ten_1",
    "X-Vendo-Role": "member",
    "X-Vendo-User-JWT": "header.ada.signature",
}


class Site(NamedTuple):
    """An application on its server, the folder for nginx, and the local Vendo server."""

    framework: str
    upstream: str
    folder: Path
    vendo: LocalVendo

    @contextmanager
    def behind(self, leave_out: str | None = None, scheme: str = "$scheme") -> Iterator[Visitor]:
        """Run the nginx of the page, without the lines that have a text."""
        page = texts()["nginx.conf"]
        kept = [line for line in page.splitlines() if leave_out is None or leave_out not in line]
        here = {
            "443": "{port}",
            "$scheme": scheme,
            "/etc/nginx/tls": f"{self.folder}/tls",
            "http://127.0.0.1:8000/": f"{self.upstream}/",
        }
        assert all(shown in page for shown in here)
        servers = replaced("\n".join(kept), here)
        authority = write_certificate(self.folder, HOST, "127.0.0.1", "localhost")
        with nginx(servers, self.folder) as port, Visitor(port, authority) as visitor:
            yield visitor


@pytest.fixture(scope="module", params=[*FRAMEWORKS, "django under ASGI"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    framework, _, server = request.param.partition(" under ")
    with LocalVendo(["gmail"]) as vendo:
        environment = {
            **vendo.environment(),
            "VENDO_AUTH": "1",
            "VENDO_TOKEN_SHOP_SECRET_KEY": "not-a-secret-" * 4,
            "SHOP_EVENTS": str(folder / "events"),
        }
        if framework != "fastapi":  # the framework itself believes the proxy, and not its server
            environment["FORWARDED_ALLOW_IPS"] = NOBODY
        application = proxied_application(framework, folder)
        how = command("fastapi" if server else framework, workers=1, proxied=True)
        if server:
            how[-1:] = ["--lifespan=off", "shop.asgi:application"]
        # gunicorn leaves its own socket open.
        with serving(how, environment, application, options=()) as upstream:
            yield Site(framework, upstream, folder, vendo)


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with site.behind() as visitor:
        yield visitor
    site.vendo.reset()


def test_a_user_connects_below_the_prefix_and_over_https(site: Site, visitor: Visitor) -> None:
    page = visitor.open("/app/page/slack/?folder=inbox")
    assert page.status_code == 424
    button = button_of(page.text)
    assert button == f"{CONNECT}/slack/?next=%2Fapp%2Fpage%2Fslack%2F%3Ffolder%3Dinbox"

    leaving = visitor.open(button)
    assert leaving.status_code == 302
    name, attributes = cookie_of(leaving.headers["Set-Cookie"])
    assert name.startswith("__Host-")
    assert {"secure", "path=/", "httponly"} <= attributes
    query = query_of(leaving.headers["Location"])
    assert query["return_to"] == f"https://{HOST}/app/api/vendo/connect/done/"

    site.vendo.connect("slack")
    way_back = f"{query['return_to']}?state={query['state']}&status=connected"
    back = visitor.open(way_back)
    assert (back.status_code, back.headers["Location"]) == (302, "/app/page/slack/?folder=inbox")
    assert visitor.open(back.headers["Location"]).text == site.vendo.token("slack")
    assert visitor.open(way_back).status_code == 400


def test_a_denial_leads_back_below_the_prefix(visitor: Visitor) -> None:
    query = query_of(visitor.open(f"{CONNECT}/notion/?next=/app/page/notion/").headers["Location"])
    back = visitor.open(f"{query['return_to']}?state={query['state']}&status=denied")
    assert back.headers["Location"] == "/app/page/notion/?vendo_connect=denied&slug=notion"
    page = visitor.open(back.headers["Location"]).text
    assert "You did not connect Notion" in page
    assert button_of(page) == f"{CONNECT}/notion/?next=%2Fapp%2Fpage%2Fnotion%2F"


@pytest.mark.parametrize(
    ("next_address", "status", "back"),
    [
        ("", 302, "/app/"),
        (f"https://{HOST}/app/page/", 302, f"https://{HOST}/app/page/"),
        (f"http://{HOST}/app/page/", 400, ""),
        ("https://evil.example/", 400, ""),
        ("/app/page/?q=" + "a" * 2000, 302, "/app/page/?q=" + "a" * 2000),
    ],
    ids=["none", "own", "http", "foreign", "long"],
)
def test_the_way_back_ends_where_it_may(
    visitor: Visitor, next_address: str, status: int, back: str
) -> None:
    leaving = visitor.open(f"{CONNECT}/slack/", params={"next": next_address})
    assert leaving.status_code == status, leaving.text
    if status == 302:
        query = query_of(leaving.headers["Location"])
        arrived = visitor.open(f"{query['return_to']}?state={query['state']}&status=connected")
        assert arrived.headers["Location"] == back


def test_an_application_that_takes_itself_for_http_says_so(site: Site) -> None:
    with site.behind(leave_out="X-Forwarded-Proto") as visitor:
        leaving = visitor.open(f"{CONNECT}/slack/")
    assert leaving.status_code == 400
    assert "reached over https, but takes its own address for http" in leaving.text
    assert "X-Forwarded-Proto" in leaving.text
    assert "Set-Cookie" not in leaving.headers


def test_an_application_that_does_not_know_its_host_says_so(site: Site) -> None:
    with site.behind(leave_out="proxy_set_header Host") as visitor:
        leaving = visitor.open(f"{CONNECT}/slack/", headers={"Referer": f"https://{HOST}/app/"})
    assert leaving.status_code == 400
    assert "not reached at 127.0.0.1" in leaving.text


def test_a_client_cannot_say_where_the_application_is(visitor: Visitor) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"}
    query = query_of(visitor.open(f"{CONNECT}/slack/", headers=headers).headers["Location"])
    assert query["return_to"] == f"https://{HOST}/app/api/vendo/connect/done/"


def test_a_webhook_arrives_byte_for_byte_up_to_its_limit(site: Site, visitor: Visitor) -> None:
    url = "/app/api/vendo/webhook/"
    headers, body = site.vendo.sign_webhook({"type": "t", "data": {"text": " \u00e9\r\n "}})
    for data, status in ((body, 200), (body + b" ", 400)):
        assert visitor.open(url, "POST", data=data, headers=headers).status_code == status
    headers, body = site.vendo.sign_webhook({"type": "t", "data": {}})
    chunks = iter([body[:10], body[10:]])
    assert visitor.open(url, "POST", data=chunks, headers=headers).status_code == 200

    headers, body = site.vendo.sign_webhook({"type": "t", "data": {"text": ""}})
    filling = {"type": "t", "data": {"text": "x" * (MAX_WEBHOOK_BYTES - len(body))}}
    headers, body = site.vendo.sign_webhook(filling)
    assert len(body) == MAX_WEBHOOK_BYTES
    for data, status in ((body, 200), (body + b" ", 413)):
        assert visitor.open(url, "POST", data=data, headers=headers).status_code == status


def test_a_client_cannot_say_who_is_signed_in(site: Site, visitor: Visitor) -> None:
    forged = {name.replace("-", "_"): value for name, value in USER.items()}
    for headers in (USER, forged, {**USER, **forged}):
        assert visitor.open("/app/api/vendo/identity", headers=headers).status_code == 401
    token = visitor.open("/app/page/gmail/", headers=USER).text
    assert token == site.vendo.token("gmail")  # of the application, not of Ada


def test_nginx_behind_the_platforms_proxy_passes_the_user_on(site: Site) -> None:
    forged = {"X_Vendo_User_Id": "usr_eve"}
    with site.behind(leave_out="X-Vendo-", scheme="$http_x_forwarded_proto") as visitor:
        visitor.headers["X-Forwarded-Proto"] = "https"
        assert visitor.open(f"{CONNECT}/slack/", headers=USER).status_code == 302
        identity = visitor.open("/app/api/vendo/identity", headers=USER | forged)
        assert identity.json()["email"] == "ada@example.com"
        assert visitor.open("/app/api/vendo/identity", headers=forged).status_code == 401


@pytest.mark.browser
def test_a_real_browser_connects_and_comes_back(
    site: Site, visitor: Visitor, browser: Chrome
) -> None:
    # Another site than Vendo's, for cookies: that is 127.0.0.1.
    page = f"{visitor.address.replace('127.0.0.1', 'localhost')}/app/page/asana/?folder=inbox"
    browser.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": True})
    browser.get(page)
    follow(browser, "Connect Asana")
    press(browser, "Connect")
    wait_until_at(browser, "/app/page/asana/")
    assert browser.current_url == page
    assert text_of(browser) == site.vendo.token("asana")
    (cookie,) = browser.get_cookies()
    assert cookie["name"].startswith("__Host-")
    assert (cookie["secure"], cookie["path"]) == (True, "/")


@pytest.mark.parametrize("site", ["fastapi"], indirect=True)
def test_a_stream_with_the_header_is_not_held_back(site: Site, visitor: Visitor) -> None:
    # The second event never comes.
    with visitor.open("/app/stream/", stream=True) as stream:
        assert next(stream.iter_lines()) == b"data: first"


@pytest.mark.parametrize("site", ["fastapi"], indirect=True)
def test_a_websocket_is_passed_on(site: Site, visitor: Visitor) -> None:
    trust = ssl.create_default_context(cafile=str(visitor.verify))
    parts = urlsplit(visitor.address)
    door = socket.create_connection((parts.hostname, parts.port), timeout=30)
    with connect(f"wss://{HOST}/app/socket/", sock=door, ssl=trust) as websocket:
        websocket.send("hello")
        assert websocket.recv(timeout=30) == "hello"


def test_the_page_removes_every_header_of_the_platforms_proxy() -> None:
    removed = re.findall(r'proxy_set_header (X-Vendo-\S+) "";', texts()["nginx.conf"])
    assert set(removed) == set(USER)
    assert {*sso.IDENTITY_HEADERS} < {*USER}
