"""Connecting a provider: who may, the way there and back, and what does not lead there."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask, Response, abort, request
from werkzeug.exceptions import Unauthorized

from flask_adapter.site import make_app
from support.connect_flow import (
    BROWSER,
    FOREIGN_ADDRESSES,
    button_of,
    cookie_of,
    is_page,
    query_of,
)
from vendo.errors import NotConnected, ValidationError
from vendo_flask import FlaskVendo, blueprint

if TYPE_CHECKING:
    from flask import Request
    from flask.testing import FlaskClient

    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/gmail/"
DONE = "/api/vendo/connect/done/"


def anyone(request: Request, slug: str) -> bool:
    return True


def _needs_gmail() -> str:
    raise NotConnected("binding_missing", "Not connected.", slug="gmail")


def state_of(browser: FlaskClient, **query: str) -> str:
    return query_of(browser.get(CONNECT, query_string=query).location)["state"]


def come_back(browser: FlaskClient, state: str, **query: str) -> Any:
    return browser.get(DONE, query_string={"state": state, **query})


class TestTheWay:
    def test_there_and_back(self, vendo_mode: LocalVendo, browser: FlaskClient) -> None:
        leaving = browser.get(CONNECT, query_string={"next": "/inbox?page=2"})
        query = query_of(leaving.location)

        assert leaving.status_code == 302
        assert leaving.data == b""
        assert leaving.location.startswith(f"{vendo_mode.url}/connections/connect/gmail?")
        assert query["app_key"] == vendo_mode.api_key
        assert query["return_to"] == "http://localhost" + DONE
        assert "no-store" in leaving.headers["Cache-Control"]
        name, attributes = cookie_of(leaving.headers["Set-Cookie"])
        assert not name.startswith("__Host-")
        assert {"httponly", "samesite=lax", "max-age=3600", "path=/"} <= attributes
        assert "secure" not in attributes

        back = come_back(browser, query["state"], slug="gmail", status="connected")
        assert (back.status_code, back.location) == (302, "/inbox?page=2")
        assert "no-store" in back.headers["Cache-Control"]

    def test_over_https_the_cookie_is_of_this_host(
        self, vendo_mode: LocalVendo, browser: FlaskClient
    ) -> None:
        leaving = browser.get(CONNECT, base_url="https://mail.example.com/")

        name, attributes = cookie_of(leaving.headers["Set-Cookie"])
        assert name.startswith("__Host-")
        assert {"secure", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
        assert query_of(leaving.location)["return_to"] == "https://mail.example.com" + DONE

    @pytest.mark.parametrize(
        ("page", "location"), [("/büro?q=é", "/b%C3%BCro?q=%C3%A9"), ("/a%20b", "/a%20b")]
    )
    def test_an_address_may_have_any_letters(
        self, vendo_mode: LocalVendo, browser: FlaskClient, page: str, location: str
    ) -> None:
        back = come_back(browser, state_of(browser, next=page))
        assert back.headers["Location"] == location

    def test_two_tabs(self, vendo_mode: LocalVendo, browser: FlaskClient) -> None:
        states = {
            slug: query_of(
                browser.get(
                    f"/api/vendo/connect/{slug}/", query_string={"next": f"/{slug}"}
                ).location
            )["state"]
            for slug in ("gmail", "slack")
        }

        for slug, state in states.items():
            assert come_back(browser, state).location == f"/{slug}"

    def test_a_state_works_once_and_in_one_browser(
        self, vendo_mode: LocalVendo, app: Flask, browser: FlaskClient
    ) -> None:
        leaving = browser.get(CONNECT)
        state = query_of(leaving.location)["state"]
        thief, forger = app.test_client(), app.test_client()
        forger.set_cookie(cookie_of(leaving.headers["Set-Cookie"])[0], "x" * 32)

        for stranger in (thief, forger):
            assert come_back(stranger, state).status_code == 400
        assert come_back(browser, state).status_code == 302
        assert come_back(browser, state).status_code == 400
        assert browser.get(DONE).status_code == 400

    def test_a_denial_is_told_on_the_page(
        self, vendo_mode: LocalVendo, browser: FlaskClient
    ) -> None:
        back = come_back(browser, state_of(browser, next="/inbox?a=b"), status="refused")

        assert back.location == "/inbox?a=b&vendo_connect=denied&slug=gmail"

    @pytest.mark.parametrize("address", FOREIGN_ADDRESSES)
    def test_no_next_leads_away(
        self, vendo_mode: LocalVendo, browser: FlaskClient, address: str
    ) -> None:
        response = browser.get(CONNECT, query_string={"next": address})
        assert response.status_code == 400
        assert json.loads(response.text)["error"]["code"] == "validation_failed"
        assert "evil" not in response.text
        page = browser.get(CONNECT, query_string={"next": address}, headers=BROWSER)
        assert page.status_code == 400
        assert is_page(page.text, "This link does not work")

    def test_afterwards_the_new_token_is_used(
        self, vendo_mode: LocalVendo, app: Flask, browser: FlaskClient
    ) -> None:
        jwt = {"X-Vendo-User-JWT": "user.one.jwt"}
        browser.get("/token/", headers=jwt)
        app.extensions["vendo"].token("gmail")
        state = state_of(browser)
        vendo_mode.rotate("gmail")

        browser.get(DONE, query_string={"state": state}, headers=jwt)
        fresh = vendo_mode.token("gmail", user="user.one.jwt")
        assert browser.get("/token/", headers=jwt).text == fresh
        assert app.extensions["vendo"].token("gmail") == vendo_mode.token("gmail")

    def test_in_oss_mode_it_is_501(self, browser: FlaskClient) -> None:
        for address in (CONNECT, DONE):
            response = browser.get(address)
            assert response.status_code == 501
            assert json.loads(response.text)["error"]["code"] == "vendo_only_feature"

    def test_a_malformed_slug_is_400(self, vendo_mode: LocalVendo, browser: FlaskClient) -> None:
        response = browser.get("/api/vendo/connect/no%20slug/")
        assert response.status_code == 400
        assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.usefixtures("vendo_mode")
class TestOtherHostsAndPaths:
    def there_and_back(self, app: Flask, page: str, expected: str) -> None:
        """Press the button on a page, and come back to it. Both ends are on one host."""
        browser = app.test_client()
        parts = urlsplit(page)
        host = f"{parts.scheme}://{parts.netloc}"
        link = button_of(browser.get(parts.path, base_url=host, headers=BROWSER).text)
        assert link
        address = link if "://" in link else host + link
        leaving = browser.get(address, headers={"Referer": host + "/"})
        query = query_of(leaving.location)
        assert query["return_to"] == expected
        assert urlsplit(expected).netloc == urlsplit(address).netloc
        back = browser.get(expected, query_string={"state": query["state"]})
        assert back.status_code == 302
        arrived = urljoin(address, back.location)
        assert arrived == page

    def page(self) -> str:
        raise NotConnected("binding_missing", "Not connected.", slug="gmail")

    @pytest.mark.parametrize("host", ["mail.example.com", "localhost:8000", "www.example.org"])
    def test_server_name_is_of_another_host(self, host: str) -> None:
        app = make_app(errors=True, SERVER_NAME="mail.example.com")
        app.add_url_rule("/needs-gmail/", endpoint="main", view_func=self.page)

        self.there_and_back(app, f"http://{host}/needs-gmail/", f"http://{host}{DONE}")

    @pytest.mark.parametrize("subdomain", ["connect", "<tenant>", ""])
    def test_a_subdomain(self, subdomain: str) -> None:
        app = Flask("subdomains", subdomain_matching=True)
        app.config["SERVER_NAME"] = "example.com:8000"
        FlaskVendo(app, errors=True)
        views = blueprint(may_connect=anyone)
        app.register_blueprint(views, subdomain=subdomain)
        app.add_url_rule(
            "/page/", view_func=lambda tenant=None: self.page(), subdomain=subdomain or "<tenant>"
        )
        app.add_url_rule("/main/", endpoint="main", view_func=self.page)

        name = "acme" if subdomain.startswith("<") else subdomain
        prefix = f"{name}." if name else ""
        done = f"http://{prefix}example.com:8000{DONE}"
        if subdomain:
            self.there_and_back(app, f"http://{name}.example.com:8000/page/", done)
        if not subdomain.startswith("<"):
            self.there_and_back(app, "http://example.com:8000/main/", done)

    def test_a_captured_prefix(self) -> None:
        app = Flask("tenants")
        FlaskVendo(app, errors=True)
        app.register_blueprint(blueprint(may_connect=anyone), url_prefix="/<tenant>/vendo")
        app.add_url_rule("/<tenant>/page/", view_func=lambda tenant: self.page())
        app.add_url_rule("/page/", endpoint="main", view_func=self.page)

        done = "http://localhost/acme/vendo/connect/done/"
        self.there_and_back(app, "http://localhost/acme/page/", done)
        browser = app.test_client()
        assert browser.get("/acme/vendo/identity").status_code == 401
        assert browser.post("/acme/vendo/webhook/").status_code == 400
        page = browser.get("/page/", headers=BROWSER)
        assert page.status_code == 424
        assert button_of(page.text) is None

    def test_a_prefix_of_the_server(self) -> None:
        app = make_app(errors=True)
        browser = app.test_client()
        base = "http://localhost/shop"
        page = browser.get("/unconnected/", base_url=base, headers=BROWSER).text

        assert button_of(page) == ("/shop/api/vendo/connect/slack/?next=%2Fshop%2Funconnected%2F")
        leaving = browser.get(CONNECT, base_url=base)
        assert query_of(leaving.location)["return_to"] == base + DONE

    def test_a_proxy_that_forwards_its_host(self) -> None:
        from werkzeug.middleware.proxy_fix import ProxyFix

        app = make_app(errors=True)
        app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_prefix=1)  # type: ignore[method-assign]
        forwarded = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "mail.example.com",
            "X-Forwarded-Prefix": "/shop",
        }
        leaving = app.test_client().get(CONNECT, headers=forwarded)
        assert query_of(leaving.location)["return_to"] == f"https://mail.example.com/shop{DONE}"


class TestWhoMayConnect:
    def get(self, may_connect: Any, path: str = CONNECT, **headers: str) -> Any:
        return make_app(may_connect=may_connect).test_client().get(path, headers=headers)

    def test_nobody_where_nothing_says_who(self, vendo_mode: LocalVendo) -> None:
        for path in (CONNECT, "/api/vendo/connect/GMAIL/"):
            response = self.get(None, path)
            assert response.status_code == 403
            assert "Set-Cookie" not in response.headers
            assert vendo_mode.api_key not in str(response.headers) + response.text
        page = self.get(None, **BROWSER)
        assert page.status_code == 403
        assert is_page(page.text, "You may not")

    def test_behind_the_proxy_users_who_are_not_viewers(
        self, vendo_mode: LocalVendo, proxy: dict[str, str]
    ) -> None:
        nobody = self.get(None)
        assert nobody.status_code == 401
        assert vendo_mode.api_key not in str(nobody.headers) + nobody.text
        page = self.get(None, **BROWSER)
        assert page.status_code == 401
        assert is_page(page.text, "Sign in")
        for role, status in {"owner": 302, "member": 302, "viewer": 403, "admin": 401}.items():
            assert self.get(None, **{**proxy, "X-Vendo-Role": role}).status_code == status

    def test_a_function_alone_decides(self, vendo_mode: LocalVendo, proxy: dict[str, str]) -> None:
        asked: list[tuple[str, str]] = []

        def rule(asking: Request, slug: str) -> bool:
            assert asking.path == request.path
            asked.append((asking.path, slug))
            return slug == "gmail"

        async def arule(asking: Request, slug: str) -> bool:
            return rule(asking, slug)

        owner, viewer = ({**proxy, "X-Vendo-Role": role} for role in ("owner", "viewer"))
        for function in (rule, arule, partial(arule)):
            assert self.get(function, "/api/vendo/connect/GMail/").status_code == 302
            assert self.get(function, "/api/vendo/connect/slack/").status_code == 401
            assert self.get(function, "/api/vendo/connect/slack/", **owner).status_code == 403
            assert self.get(function, **viewer).status_code == 302
        assert ("/api/vendo/connect/GMail/", "gmail") in asked

    @pytest.mark.usefixtures("vendo_mode")
    def test_a_function_may_abort(self) -> None:
        assert self.get(lambda request, slug: abort(404)).status_code == 404

    @pytest.mark.usefixtures("vendo_mode")
    @pytest.mark.parametrize(
        "result", [None, 0, "", False, 1, "yes", Response("Log in"), ("", 403)]
    )
    def test_anything_but_true_is_no(self, result: Any) -> None:
        assert self.get(lambda request, slug: result).status_code == 403

    @pytest.mark.usefixtures("vendo_mode")
    @pytest.mark.parametrize("error", [Unauthorized, RuntimeError])
    def test_what_a_rule_raises_leaves_the_page_without_its_button(
        self, error: type[Exception], caplog: pytest.LogCaptureFixture
    ) -> None:
        def rule(asking: Request, slug: str) -> bool:
            raise error

        page = (
            make_app(errors=True, may_connect=rule)
            .test_client()
            .get("/unconnected/", headers=BROWSER)
        )
        assert page.status_code == 424
        assert is_page(page.text, "Ask a user who may connect Slack.")
        assert button_of(page.text) is None
        records = [found for found in caplog.records if "may_connect raised" in found.getMessage()]
        assert len(records) == (error is RuntimeError)
        assert all(found.levelname == "ERROR" and found.exc_info for found in records)

    @pytest.mark.parametrize("rule", [True, "app.rule", [1]])
    def test_a_rule_is_a_function(self, rule: Any) -> None:
        with pytest.raises(ValidationError, match="may_connect= must be a function"):
            blueprint(may_connect=rule)

    @pytest.mark.usefixtures("vendo_mode")
    def test_of_two_registrations_the_nearest_is_taken(self) -> None:
        app = Flask("two")
        FlaskVendo(app, errors=True)
        for name, rule in (("admin", lambda request, slug: False), ("staff", anyone)):
            views = blueprint(may_connect=rule)
            app.register_blueprint(views, name=name, url_prefix=f"/{name}/vendo")
            app.add_url_rule(f"/{name}/page/", endpoint=f"page of {name}", view_func=_needs_gmail)

        browser = app.test_client()
        staff = button_of(browser.get("/staff/page/", headers=BROWSER).text)
        assert staff
        assert staff.startswith("/staff/vendo/connect/gmail/")
        assert button_of(browser.get("/admin/page/", headers=BROWSER).text) is None

    @pytest.mark.parametrize(
        "where",
        [
            {"url_prefix": "/<slug>/vendo"},
            {"url_prefix": "/<any(a, b):slug>/vendo"},
            {"subdomain": "<slug>"},
        ],
    )
    def test_an_argument_of_the_prefix_may_not_be_named_as_that_of_the_view(
        self, where: dict[str, Any]
    ) -> None:
        with pytest.raises(ValidationError, match="is taken by the connect view"):
            Flask("one").register_blueprint(blueprint(may_connect=anyone), **where)
        prefix = "/<slug2>/<my_slug>/vendo"
        Flask("two").register_blueprint(blueprint(may_connect=anyone), url_prefix=prefix)

    @pytest.mark.usefixtures("vendo_mode")
    def test_a_view_without_a_host_has_no_link_where_hosts_are_matched(self) -> None:
        app = Flask("hosts", host_matching=True, static_host="example.com")
        FlaskVendo(app, errors=True)
        app.register_blueprint(blueprint(may_connect=anyone))
        app.add_url_rule("/page/", view_func=_needs_gmail, host="example.com")
        url = "https://example.com/page/"
        page = app.test_client().get(url, base_url="https://example.com", headers=BROWSER)
        assert page.status_code == 424
        assert button_of(page.text) is None
        assert app.test_client().get(url).get_json()["error"]["connect_url"] is None
        assert app.test_client().get(f"https://example.com{CONNECT}").status_code == 404
