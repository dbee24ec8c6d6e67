"""Dependencies compare by value, and work everywhere in an application."""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

import vendo_starlette
from starlette_adapter import project
from starlette_adapter.asgi import http_scope
from vendo import AuthError, NotConnected, ValidationError, VendoIdentity
from vendo_starlette import (
    vendo_async_session,
    vendo_client,
    vendo_httpx,
    vendo_identity,
    vendo_session,
    vendo_sync_client,
    vendo_token,
    vendo_webhook,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo.testing import LocalVendo

ONE, OTHER = "user.one.jwt", "user.other.jwt"
WITH_SLUG: list[Callable[..., Any]] = [
    vendo_token, vendo_session, vendo_async_session, vendo_httpx,
]  # fmt: skip
WITH_HOSTS = WITH_SLUG[1:]
WITHOUT: list[Callable[..., Any]] = [
    vendo_client, vendo_sync_client, vendo_identity, vendo_webhook,
]  # fmt: skip


@pytest.fixture(params=[False, True], ids=["bare", "with everything"])
def browser(request: pytest.FixtureRequest) -> TestClient:
    """A browser at an application without middleware and `install`, and at one with both."""
    return TestClient(project.make_app(middleware=request.param, installed=request.param))


def headers_of(jwt: str | None) -> dict[str, str]:
    return {} if jwt is None else {"X-Vendo-User-JWT": jwt}


def address(server: LocalVendo, jwt: str | None) -> str:
    token = server.token("gmail", user=jwt)
    with server.client().session("gmail") as session:
        session.auth = None
        profile = session.get(
            f"{server.provider_url('gmail')}/{project.PROFILE}",
            headers={"Authorization": f"Bearer {token}"},
        )
    found: str = profile.json()["emailAddress"]
    return found


@pytest.mark.parametrize("make", WITH_SLUG)
def test_equal_arguments_make_equal_dependencies(make: Callable[..., Any]) -> None:
    assert make("Gmail") == make("gmail")
    assert {make("gmail"): "found"}[make("GMAIL")] == "found"
    assert make("gmail") != make("slack")
    others = [other("gmail") for other in WITH_SLUG if other is not make]
    assert make("gmail") not in others


def test_a_default_is_part_of_the_value() -> None:
    assert vendo_token("x", default=None) == vendo_token("X", default=None)
    assert vendo_token("x", default=None) != vendo_token("x")
    assert vendo_token("x", default=None) != vendo_token("x", default="")
    assert vendo_token("x", default=[]) == vendo_token("x", default=[])
    assert "canary" not in repr(vendo_token("x", default="canary"))


def test_a_missing_credential_may_have_a_default(
    browser: TestClient, vendo_mode: LocalVendo
) -> None:
    for jwt in (ONE, None):
        gmail = vendo_mode.token("gmail", user=jwt)
        assert browser.get("/optional", headers=headers_of(jwt)).json() == [None, ["-"], gmail]


def test_a_missing_variable_may_have_a_default(browser: TestClient) -> None:
    assert browser.get("/optional").json() == [None, ["-"], None]


def test_a_default_is_not_for_other_errors(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()
    with pytest.raises(AuthError):
        TestClient(project.make_app()).get("/optional")


def test_a_default_can_be_overridden() -> None:
    app = project.make_app()
    app.dependency_overrides[vendo_token("sentry", default=None)] = lambda: "a-dsn"
    assert TestClient(app).get("/optional").json() == ["a-dsn", ["-"], None]


@pytest.mark.parametrize("make", WITH_HOSTS)
def test_hosts_and_base_url_are_part_of_the_value(make: Callable[..., Any]) -> None:
    one = make("x", hosts=["a.example.com"], base_url="https://a.example.com")
    assert one == make("x", hosts=("a.example.com",), base_url="https://a.example.com")
    assert one != make("x", hosts=["a.example.com"])
    assert one != make("x", base_url="https://a.example.com")


def test_dependencies_without_arguments_are_values_too() -> None:
    for make in WITHOUT:
        assert make() == make()
        assert hash(make()) == hash(make())
    assert len({make() for make in WITHOUT}) == len(WITHOUT)
    assert vendo_identity(required=False) != vendo_identity(required=True) == vendo_identity()


@pytest.mark.parametrize("make", WITH_SLUG)
def test_a_malformed_slug_is_an_error_at_definition(make: Callable[..., Any]) -> None:
    with pytest.raises(ValidationError, match="slug"):
        make("no slug!")


@pytest.mark.parametrize("make", WITH_HOSTS)
@pytest.mark.parametrize("hosts", ["api.example.com", 5, None, [5], [[]], ["no host!"]])
def test_malformed_hosts_are_an_error_at_definition(make: Callable[..., Any], hosts: Any) -> None:
    with pytest.raises(ValidationError, match="hosts="):
        make("gmail", hosts=hosts)


@pytest.mark.parametrize("make", WITH_HOSTS)
def test_hosts_may_be_an_iterator(make: Callable[..., Any]) -> None:
    assert make("gmail", hosts=iter(["a.example.com"])) == make("gmail", hosts=["a.example.com"])


@pytest.mark.parametrize("make", WITH_HOSTS)
@pytest.mark.parametrize(
    "base_url",
    [
        "http://[", "https://h:port/", "http://example.com", "/path", "", 5, b"https://a.example",
        "https://u:canary@example.com", "https://exa\x00mple.com", "https://a.example/?canary",
    ],
)  # fmt: skip
def test_a_malformed_base_url_is_an_error_at_definition(
    make: Callable[..., Any], base_url: Any
) -> None:
    with pytest.raises(ValidationError, match="base_url=") as caught:
        make("gmail", base_url=base_url)
    assert "canary" not in str(caught.value)


def test_each_dependency_acts_for_the_user(browser: TestClient, vendo_mode: LocalVendo) -> None:
    for jwt in (ONE, OTHER, None):
        headers = headers_of(jwt)
        token, mail = vendo_mode.token("gmail", user=jwt), address(vendo_mode, jwt)
        for path in ("/token", "/token-in-thread"):
            assert browser.get(path, headers=headers).json() == token
        assert browser.get("/clients", headers=headers).json() == [token, token]
        for path in ("/session", "/async-session", "/httpx"):
            assert browser.get(path, headers=headers).json()["emailAddress"] == mail


def test_sessions_work_in_streams(browser: TestClient, vendo_mode: LocalVendo) -> None:
    for path in ("/stream/session", "/stream/async-session", "/stream/httpx"):
        response = browser.get(path, headers=headers_of(ONE))
        assert response.text.split() == [address(vendo_mode, ONE)] * 3


def test_sessions_work_in_background_tasks(browser: TestClient, vendo_mode: LocalVendo) -> None:
    project.done.clear()
    assert browser.get("/background", headers=headers_of(ONE)).status_code == 200
    assert project.done == [address(vendo_mode, ONE)] * 3


def test_sessions_work_while_a_websocket_is_open(
    browser: TestClient, vendo_mode: LocalVendo
) -> None:
    for jwt in (ONE, None):
        token, mail = vendo_mode.token("gmail", user=jwt), address(vendo_mode, jwt)
        with browser.websocket_connect("/ws", headers=headers_of(jwt)) as websocket:
            for _ in range(2):
                websocket.send_text("again")
                assert websocket.receive_json() == [token, token, mail, mail]


def test_in_oss_mode_dependencies_use_the_environment(
    browser: TestClient, server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", server.token("gmail"))
    monkeypatch.setenv("GMAIL_BASE_URL", server.provider_url("gmail"))
    mail = address(server, None)

    assert browser.get("/token").json() == server.token("gmail")
    for path in ("/session", "/async-session", "/httpx"):
        assert browser.get(path).json()["emailAddress"] == mail


def test_no_session_is_left_open(browser: TestClient, vendo_mode: LocalVendo) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what earlier tests left
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            for path in ("/async-session", "/stream/async-session", "/background"):
                browser.get(path)
            with browser.websocket_connect("/ws") as websocket:
                websocket.send_text("again")
                websocket.receive_json()
        gc.collect()
    # The test client of an old Starlette leaves streams of its own to the garbage collector.
    unclosed = [str(warning.message) for warning in caught]
    assert [text for text in unclosed if "<MemoryObject" not in text] == []


def test_a_dependency_is_resolved_once_in_a_request(vendo_mode: LocalVendo) -> None:
    app = FastAPI()
    seen: list[Any] = []

    def first(gmail: Annotated[Any, Depends(vendo_session("gmail"))]) -> None:
        seen.append(gmail)

    def endpoint(gmail: Annotated[Any, Depends(vendo_session("Gmail"))]) -> None:
        seen.append(gmail)

    app.add_api_route("/", endpoint, dependencies=[Depends(first)])
    TestClient(app).get("/")
    TestClient(app).get("/")
    assert seen[0] is seen[1]
    assert seen[2] is seen[3] is not seen[0]


def test_overrides_match_by_arguments() -> None:
    app = project.make_app()
    app.dependency_overrides[vendo_token("gmail")] = lambda: "test-token"
    app.dependency_overrides[vendo_session("gmail")] = _Fake
    browser = TestClient(app)

    assert browser.get("/token").json() == "test-token"
    assert browser.get("/session").json() == "fake"


class _Fake:
    def get(self, url: str) -> _Fake:
        return self

    def json(self) -> str:
        return "fake"


def test_dependencies_do_not_change_the_openapi_document() -> None:
    with_them, without = FastAPI(), FastAPI()

    def endpoint(q: str = "") -> None: ...

    every = [*(make("gmail") for make in WITH_SLUG), *(make() for make in WITHOUT)]
    with_them.add_api_route("/", endpoint, dependencies=[Depends(each) for each in every])
    without.add_api_route("/", endpoint)
    assert with_them.openapi() == without.openapi()
    routes = FastAPI(routes=vendo_starlette.vendo_routes())
    assert routes.openapi()["paths"] == {}


def test_a_missing_credential_raises_not_connected() -> None:
    for path in ("/token", "/session"):
        with pytest.raises(NotConnected, match="GMAIL_ACCESS_TOKEN"):
            TestClient(project.make_app()).get(path)


def test_a_plain_starlette_endpoint_can_call_them(vendo_mode: LocalVendo) -> None:
    connection = HTTPConnection(http_scope(headers=[(b"x-vendo-user-jwt", ONE.encode())]))
    token = asyncio.run(vendo_token("gmail")(connection))
    assert token == vendo_mode.token("gmail", user=ONE)


def _uses(factory: Any) -> Iterator[Callable[[], Any]]:
    """Yield each place for a dependency."""

    def nothing() -> None: ...

    def below(value: Any) -> None: ...

    below.__annotations__["value"] = Annotated[str, Depends(factory)]
    for uses in (Depends(factory), Security(factory, scopes=["mail"]), Depends(below)):

        def annotated(value: Any) -> None: ...

        def default(value: Any = uses) -> None: ...

        annotated.__annotations__["value"] = Annotated[str, uses]
        for endpoint in (annotated, default):
            yield partial(FastAPI().get("/"), endpoint)
            yield partial(FastAPI().websocket("/"), endpoint)
    guards = [Depends(factory)]
    yield lambda: FastAPI().get("/", dependencies=guards)(nothing)
    yield lambda: FastAPI(dependencies=guards).get("/")(nothing)
    yield lambda: APIRouter(dependencies=guards).get("/")(nothing)

    router = APIRouter()
    router.get("/")(nothing)

    def include() -> None:
        app = FastAPI()
        app.include_router(router, dependencies=guards)
        TestClient(app).get("/")

    yield include


@pytest.mark.parametrize("factory", [*WITH_SLUG, *WITHOUT])
def test_a_dependency_that_was_not_called_is_refused_where_it_is_written(factory: Any) -> None:
    """FastAPI would take the function for the dependency, and guard nothing."""
    call = f'{factory.__name__}("gmail")' if factory in WITH_SLUG else f"{factory.__name__}()"
    for use in _uses(factory):
        with pytest.raises(ValidationError, match=re.escape(f"Fix: Write Depends({call})")):
            use()


def test_a_dependency_without_depends_is_an_error_and_not_a_part_of_the_request() -> None:
    app = FastAPI()
    with pytest.raises(
        ValidationError,
        match=r"Fix: Write Depends around it, such as Depends\(vendo_identity\(\)\)",
    ):

        @app.post("/role")
        def role(user: Annotated[VendoIdentity, vendo_identity()]) -> str:
            return str(user.role)

    @app.get("/token")
    def token(found: str = vendo_token("openai")) -> str:  # type: ignore[assignment]
        return found

    with pytest.raises(ValidationError, match=r"argument of Depends"):
        TestClient(app).get("/token")
