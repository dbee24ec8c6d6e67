"""Connecting a provider: who may, the way there and back, and what does not lead there."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.testclient import TestClient

from starlette_adapter.asgi import call, http_scope, request
from support.connect_flow import (
    BROWSER,
    FOREIGN_ADDRESSES,
    button_of,
    cookie_of,
    is_page,
    query_of,
)
from vendo import NotConnected, ValidationError
from vendo_starlette import VendoMiddleware, aclient, client, install, vendo_routes

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request

    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/gmail/"
DONE = "/api/vendo/connect/done/"


def anyone(request: HTTPConnection, slug: str) -> bool:
    return True


async def needs_gmail(request: Request) -> PlainTextResponse:
    raise NotConnected("binding_missing", "Not connected.", slug="gmail")


@pytest.fixture(params=[Starlette, FastAPI])
def app(request: pytest.FixtureRequest) -> Any:
    async def token(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await aclient(request).token("gmail"))

    return request.param(routes=[Route("/token", token), *vendo_routes(may_connect=anyone)])


def visitor(app: Any, **how: Any) -> TestClient:
    return TestClient(app, follow_redirects=False, **how)


def state_of(browser: TestClient, **query: str) -> str:
    return query_of(browser.get(CONNECT, params=query).headers["Location"])["state"]


def come_back(browser: TestClient, state: str, **query: str) -> Any:
    return browser.get(DONE, params={"state": state, **query})


@pytest.mark.parametrize("host", [b"[", b"evil:99999999", b"a:b:c", b"evil:port", b"a/b"])
def test_a_malformed_host_is_not_believed(host: bytes, vendo_mode: LocalVendo) -> None:
    routes = [Route("/mail", needs_gmail), *vendo_routes(may_connect=anyone)]
    app = Starlette(routes=routes)
    install(app)
    scope = {"server": ("app.example.com", 443), "scheme": "https", "headers": [(b"host", host)]}

    status, body = request(app, {**http_scope("/mail"), **scope})
    assert status == 424
    assert b'"connect_url":"/api/vendo/connect/gmail/?' in body
    assert request(app, {**http_scope(CONNECT), **scope})[0] == 302


class TestTheWay:
    def test_there_and_back(self, app: Any, vendo_mode: LocalVendo) -> None:
        browser = visitor(app)
        leaving = browser.get(CONNECT, params={"next": "/inbox?page=2"})
        query = query_of(leaving.headers["Location"])

        assert leaving.status_code == 302
        assert leaving.headers["Location"].startswith(
            f"{vendo_mode.url}/connections/connect/gmail?"
        )
        assert query["app_key"] == vendo_mode.api_key
        assert query["return_to"] == "http://testserver" + DONE
        assert leaving.headers["Cache-Control"] == "no-store"
        name, attributes = cookie_of(leaving.headers["Set-Cookie"])
        assert not name.startswith("__Host-")
        assert {"httponly", "samesite=lax", "max-age=3600", "path=/"} <= attributes
        assert "secure" not in attributes

        back = come_back(browser, query["state"], slug="gmail", status="connected")
        assert (back.status_code, back.headers["Location"]) == (302, "/inbox?page=2")
        assert back.headers["Cache-Control"] == "no-store"

    def test_over_https_the_cookie_is_of_this_host(self, app: Any, vendo_mode: LocalVendo) -> None:
        leaving = visitor(app, base_url="https://testserver").get(CONNECT)

        name, attributes = cookie_of(leaving.headers["Set-Cookie"])
        assert name.startswith("__Host-")
        assert {"secure", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
        assert query_of(leaving.headers["Location"])["return_to"] == "https://testserver" + DONE

    def test_two_tabs(self, app: Any, vendo_mode: LocalVendo) -> None:
        browser = visitor(app)
        states = {
            slug: query_of(
                browser.get(f"/api/vendo/connect/{slug}/", params={"next": f"/{slug}"}).headers[
                    "Location"
                ]
            )["state"]
            for slug in ("gmail", "slack")
        }

        for slug, state in states.items():
            assert come_back(browser, state).headers["Location"] == f"/{slug}"

    def test_a_state_works_once_and_in_one_browser(self, app: Any, vendo_mode: LocalVendo) -> None:
        browser = visitor(app)
        state = state_of(browser)
        (name,) = browser.cookies

        for cookies in ({}, {name: "x" * 32}):
            assert come_back(visitor(app, cookies=cookies), state).status_code == 400
        assert come_back(browser, state).status_code == 302
        assert come_back(browser, state).status_code == 400
        assert browser.get(DONE).status_code == 400

    def test_a_denial_is_told_on_the_page(self, app: Any, vendo_mode: LocalVendo) -> None:
        browser = visitor(app)
        back = come_back(browser, state_of(browser, next="/inbox?a=b"), status="refused")

        assert back.headers["Location"] == "/inbox?a=b&vendo_connect=denied&slug=gmail"

    @pytest.mark.parametrize("address", FOREIGN_ADDRESSES)
    def test_no_next_leads_away(self, app: Any, vendo_mode: LocalVendo, address: str) -> None:
        response = visitor(app).get(CONNECT, params={"next": address})
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "validation_failed"
        assert "evil" not in response.text
        page = visitor(app).get(CONNECT, params={"next": address}, headers=BROWSER)
        assert page.status_code == 400
        assert is_page(page.text, "This link does not work")

    def test_afterwards_the_new_token_is_used(self, app: Any, vendo_mode: LocalVendo) -> None:
        jwt = {"X-Vendo-User-JWT": "user.one.jwt"}
        browser = visitor(app)
        browser.get("/token", headers=jwt)
        client(app).token("gmail")
        state = state_of(browser)
        vendo_mode.rotate("gmail")

        browser.get(DONE, params={"state": state}, headers=jwt)
        fresh = vendo_mode.token("gmail", user="user.one.jwt")
        assert browser.get("/token", headers=jwt).text == fresh
        assert client(app).token("gmail") == vendo_mode.token("gmail")

    def test_in_oss_mode_it_is_501(self, app: Any) -> None:
        for path in (CONNECT, DONE):
            response = visitor(app).get(path)
            assert response.status_code == 501
            assert response.json()["error"]["code"] == "vendo_only_feature"

    def test_a_malformed_slug_is_400(self, app: Any, vendo_mode: LocalVendo) -> None:
        assert visitor(app).get("/api/vendo/connect/no%20slug/").status_code == 400


class Stripping:
    """A proxy that strips the application's prefix from paths, and tells the server of it."""

    def __init__(self, app: Any, prefix: str, *, says_so: bool = True) -> None:
        self.app, self.prefix, self.says_so = app, prefix, says_so

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            assert scope["path"].startswith(self.prefix)
            path = scope["path"].removeprefix(self.prefix)
            root = {"root_path": self.prefix} if self.says_so else {}
            scope = {**scope, "path": path, "raw_path": path.encode(), **root}
        await self.app(scope, receive, send)


class NotStripping(Stripping):
    """A server that leaves the prefix in the path, as ASGI has it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "root_path": self.prefix}
        await self.app(scope, receive, send)


def there_and_back(app: Any, page: str, done: str) -> None:
    """Press the button on a page, and come back to it. Each end is on the host of its beginning."""
    parts = urlsplit(page)
    host = f"{parts.scheme}://{parts.netloc}"
    shown = visitor(app, base_url=host).get(page, headers=BROWSER)
    link = button_of(shown.text)
    assert link, shown.text
    address = urljoin(host, link)
    browser = visitor(app, base_url=f"{parts.scheme}://{urlsplit(address).netloc}")
    query = query_of(browser.get(address).headers["Location"])
    assert query["return_to"] == done
    back = browser.get(done, params={"state": query["state"]})
    assert back.status_code == 302
    assert urljoin(address, back.headers["Location"]) == page


@pytest.mark.usefixtures("vendo_mode")
class TestOtherRoutes:
    page = Route("/page", needs_gmail)

    def routes(self, **how: Any) -> Any:
        return vendo_routes(may_connect=anyone, **how)

    def made(self, *routes: Any, kind: Any = Starlette, **how: Any) -> Any:
        app = kind(routes=list(routes), **how)
        install(app)
        return app

    @pytest.mark.parametrize("kind", [Starlette, FastAPI])
    @pytest.mark.parametrize("proxy", [Stripping, NotStripping])
    def test_below_a_prefix_of_the_server(self, kind: Any, proxy: Any) -> None:
        inner = self.made(self.page, *self.routes(), kind=kind)
        app = proxy(inner, "/shop")

        done = "http://testserver/shop" + DONE
        there_and_back(app, "http://testserver/shop/page", done)

    @pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
    def test_below_the_root_path_of_fastapi(self) -> None:
        app = self.made(self.page, *self.routes(), kind=FastAPI, root_path="/shop")

        done = "http://testserver/shop" + DONE
        there_and_back(Stripping(app, "/shop", says_so=False), "http://testserver/shop/page", done)
        there_and_back(app, "http://testserver/shop/page", done)

    def test_in_a_mount_below_a_prefix(self) -> None:
        app = NotStripping(self.made(Mount("/in", routes=[self.page, *self.routes()])), "/shop")

        done = "http://testserver/shop/in" + DONE
        there_and_back(app, "http://testserver/shop/in/page", done)

    @pytest.mark.parametrize("name", [None, "account"])
    @pytest.mark.parametrize("outer", [None, "site"])
    def test_in_nested_mounts(self, name: str | None, outer: str | None) -> None:
        inner = Mount("/account", routes=self.routes(path="/v"), name=name)
        app = self.made(Mount("/site", routes=[inner], name=outer), self.page)

        done = "http://testserver/site/account/v/connect/done/"
        there_and_back(app, "http://testserver/page", done)

    @pytest.mark.parametrize("prefix", ["", "/v1"])
    def test_in_a_router_of_fastapi(self, prefix: str) -> None:
        app = self.made(self.page, kind=FastAPI)
        inner = APIRouter(routes=self.routes())
        outer = APIRouter()
        outer.include_router(inner)
        app.include_router(outer, prefix=prefix)

        there_and_back(app, "http://testserver/page", f"http://testserver{prefix}{DONE}")
        browser = visitor(app)
        assert browser.get(f"{prefix}/api/vendo/identity").status_code == 401
        assert browser.post(f"{prefix}/api/vendo/webhook/").status_code == 400

    def test_in_a_mounted_application_with_middleware(self) -> None:
        inner = self.made(self.page, *self.routes())
        app = self.made(Mount("/mail", VendoMiddleware(inner), name="mail"), self.page)

        done = "http://testserver/mail" + DONE
        there_and_back(app, "http://testserver/mail/page", done)
        there_and_back(app, "http://testserver/page", done)

    def test_below_a_captured_prefix(self) -> None:
        tenant = Mount("/{tenant}", routes=[self.page, *self.routes()], name="tenant")
        app = self.made(Route("/page", needs_gmail), tenant)

        done = "http://testserver/acme" + DONE
        there_and_back(app, "http://testserver/acme/page", done)
        outside = visitor(app).get("/page", headers=BROWSER)
        assert outside.status_code == 424
        assert button_of(outside.text) is None

    @pytest.mark.parametrize("port", ["", ":8000"])
    def test_on_another_host(self, port: str) -> None:
        accounts = Host("accounts.example.com", Router(self.routes()), name="accounts")
        www = Host("www.example.com", Router([self.page]), name="www")
        app = self.made(accounts, www)

        done = f"http://accounts.example.com{port}{DONE}"
        there_and_back(app, f"http://www.example.com{port}/page", done)

    def test_each_host_with_routes_of_its_own(self) -> None:
        rules = {"a": anyone, "b": lambda request, slug: False}
        hosts = [
            Host(
                f"{name}.example.com",
                Router([self.page, *vendo_routes(may_connect=rule)]),
                name=name,
            )
            for name, rule in rules.items()
        ]
        app = self.made(*hosts)

        there_and_back(app, "http://a.example.com/page", "http://a.example.com" + DONE)
        page = visitor(app, base_url="http://b.example.com").get("/page", headers=BROWSER)
        assert page.status_code == 424
        assert button_of(page.text) is None

    def test_of_two_mounts_the_nearest_is_taken(self) -> None:
        mounts = [
            Mount(f"/{name}", routes=[self.page, *vendo_routes(may_connect=rule)], name=name)
            for name, rule in (("admin", lambda request, slug: False), ("staff", anyone))
        ]
        app = self.made(*mounts)

        there_and_back(app, "http://testserver/staff/page", "http://testserver/staff" + DONE)
        page = visitor(app).get("/admin/page", headers=BROWSER)
        assert button_of(page.text) is None

    @pytest.mark.parametrize("tenant", ["t 1", "büro", "50%", "a?b", "a#b"])
    def test_a_captured_prefix_with_any_letters(self, tenant: str) -> None:
        # Not a mount: an old Starlette takes its path for a regular expression.
        page = Route("/{tenant}/page", needs_gmail)
        app = self.made(page, *self.routes(path="/{tenant}/api/vendo"))

        # Not by the test client: that of an old Starlette takes a `?` in a path for a query.
        headers = [(b"host", b"testserver"), (b"accept", b"text/html")]
        messages = asyncio.run(call(app, http_scope(f"/{tenant}/page", "GET", headers)))
        link = button_of(b"".join(m.get("body", b"") for m in messages).decode())
        assert link
        parts = urlsplit(link)
        assert parts.path == f"/{quote(tenant)}{CONNECT}"
        assert query_of(link) == {"next": f"/{quote(tenant)}/page"}

        leave = http_scope(f"/{tenant}{CONNECT}", "GET", headers)
        start = asyncio.run(call(app, {**leave, "query_string": parts.query.encode()}))[0]
        location = dict(start["headers"])[b"location"].decode()
        assert query_of(location)["return_to"] == f"http://testserver/{quote(tenant)}{DONE}"

    def test_no_link_leads_away(self) -> None:
        app = self.made(Mount("/{tenant:path}/q", routes=[self.page, *self.routes()], name="t"))

        scope = http_scope("//evil/q/page", "GET", [(b"host", b"x"), (b"accept", b"text/html")])
        messages = asyncio.run(call(app, scope))
        link = button_of(b"".join(m.get("body", b"") for m in messages).decode())
        assert link is None or not link.startswith("//")

    def test_on_a_host_with_a_name_in_it(self) -> None:
        app = self.made(
            Host("{tenant}.example.com", Router([self.page, *self.routes()]), name="tenants")
        )

        done = "http://acme.example.com:8000" + DONE
        there_and_back(app, "http://acme.example.com:8000/page", done)

    @pytest.mark.parametrize("slug", ["gmail", "connect", "done-deal"])
    def test_the_return_address_is_beside_the_route(self, slug: str) -> None:
        inner = Starlette(routes=self.routes(path="/connect"))
        around = VendoMiddleware(Starlette(routes=[Mount("/deep/down", inner)]))

        leaving = visitor(around).get(f"/deep/down/connect/connect/{slug}/")
        back = query_of(leaving.headers["Location"])["return_to"]
        assert back == "http://testserver/deep/down/connect/connect/done/"
        assert visitor(around).get(back).status_code == 400  # the route exists, and needs a state


class TestWhoMayConnect:
    def get(self, may_connect: Any, path: str = CONNECT, **headers: str) -> Any:
        app = Starlette(routes=vendo_routes(may_connect=may_connect))
        return visitor(app).get(path, headers=headers)

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
        forged = {name.replace("-", "_"): value for name, value in proxy.items()}
        assert self.get(None, **forged).status_code == 401

    def test_a_function_alone_decides(self, vendo_mode: LocalVendo, proxy: dict[str, str]) -> None:
        asked: list[tuple[str, str]] = []

        def rule(request: HTTPConnection, slug: str) -> bool:
            asked.append((request.url.path, slug))
            return slug == "gmail"

        async def arule(request: HTTPConnection, slug: str) -> bool:
            return rule(request, slug)

        owner, viewer = ({**proxy, "X-Vendo-Role": role} for role in ("owner", "viewer"))
        for function in (rule, arule, partial(arule)):
            assert self.get(function, "/api/vendo/connect/GMail/").status_code == 302
            assert self.get(function, "/api/vendo/connect/slack/").status_code == 401
            assert self.get(function, "/api/vendo/connect/slack/", **owner).status_code == 403
            assert self.get(function, **viewer).status_code == 302
        assert ("/api/vendo/connect/GMail/", "gmail") in asked

    @pytest.mark.usefixtures("vendo_mode")
    def test_a_function_may_raise(self) -> None:
        def rule(request: HTTPConnection, slug: str) -> bool:
            raise HTTPException(404)

        assert self.get(rule).status_code == 404

    @pytest.mark.usefixtures("vendo_mode")
    @pytest.mark.parametrize(
        "result", [None, 0, "", False, 1, "yes", PlainTextResponse("Log in", 401)]
    )
    def test_anything_but_true_is_no(self, result: Any) -> None:
        assert self.get(lambda request, slug: result).status_code == 403

    @pytest.mark.usefixtures("vendo_mode")
    @pytest.mark.parametrize("error", [HTTPException(302), RuntimeError()])
    def test_what_a_rule_raises_leaves_the_page_without_its_button(
        self, error: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def rule(request: HTTPConnection, slug: str) -> bool:
            raise error

        app = Starlette(routes=[Route("/page", needs_gmail), *vendo_routes(may_connect=rule)])
        install(app)
        page = visitor(app).get("/page", headers=BROWSER)
        assert page.status_code == 424
        assert is_page(page.text, "Ask a user who may connect Gmail.")
        assert button_of(page.text) is None
        records = [found for found in caplog.records if "may_connect raised" in found.getMessage()]
        assert len(records) == (isinstance(error, RuntimeError))
        assert all(found.levelname == "ERROR" and found.exc_info for found in records)

    @pytest.mark.parametrize("how", [{"may_connect": True}, {"on_webhook": "receive"}])
    def test_a_rule_is_a_function(self, how: Any) -> None:
        with pytest.raises(ValidationError, match="must be a function"):
            vendo_routes(**how)
        with pytest.raises(ValidationError, match="must be"):
            install(Starlette(), {"timeout": 3})  # type: ignore[arg-type]
        with pytest.raises(ValidationError, match="must be"):
            install(Starlette(), error_page="page.html")  # type: ignore[arg-type]
