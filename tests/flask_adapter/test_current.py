"""`current_vendo` and `vendo_identity` in every kind of context."""

from __future__ import annotations

import copy
import gc
import inspect
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, copy_current_request_context, g
from flask import globals as flask_globals

from flask_adapter.site import make_app
from vendo import IdentityNotPresent, Vendo, VendoIdentity
from vendo.testing import LocalVendo, MockClient
from vendo_flask import FlaskVendo, context, current_vendo, vendo_identity

if TYPE_CHECKING:
    from flask.testing import FlaskClient

ONE, OTHER = "user.one.jwt", "user.other.jwt"


def test_requests_of_two_users_have_two_tokens(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    responses = [_get(browser, "/token/", jwt) for jwt in (ONE, OTHER, None)]

    assert responses == [vendo_mode.token("gmail", user=jwt) for jwt in (ONE, OTHER, None)]
    assert len(set(responses)) == 3


def test_an_async_view_has_the_users_client(vendo_mode: LocalVendo, browser: FlaskClient) -> None:
    for jwt in (ONE, OTHER, None):
        assert _get(browser, "/atoken/", jwt) == vendo_mode.token("gmail", user=jwt)


def test_in_oss_mode_every_user_has_the_tokens_of_the_environment(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "mine")

    assert [_get(browser, "/token/", jwt) for jwt in (ONE, "  ", None)] == ["mine"] * 3


def test_a_missing_credential_may_have_a_default(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    for jwt in (ONE, None):
        found = browser.get("/optional/", headers=_headers(jwt)).json
        assert found == [None, vendo_mode.token("gmail", user=jwt)]

    vendo_mode.revoke_key()
    assert browser.get("/optional/", headers=_headers(OTHER)).status_code == 500


def test_a_missing_variable_may_have_a_default(browser: FlaskClient) -> None:
    assert browser.get("/optional/").json == [None, None]


def test_a_health_page(vendo_mode: LocalVendo, browser: FlaskClient) -> None:
    assert browser.get("/health/").status_code == 200

    vendo_mode.disconnect("gmail")
    assert browser.get("/health/").status_code == 503


@pytest.mark.usefixtures("vendo_mode")
def test_outside_of_a_request_it_is_the_applications_client(app: Flask) -> None:
    with app.app_context():
        assert current_vendo == app.extensions["vendo"]
        assert isinstance(current_vendo, Vendo)
    assert repr(current_vendo) == "<LocalProxy unbound>"
    with pytest.raises(RuntimeError, match="application context"):
        current_vendo.token("gmail")


def test_it_is_one_client_for_the_whole_request(vendo_mode: LocalVendo, app: Flask) -> None:
    with app.test_request_context(headers=_headers(ONE)):
        first = current_vendo._get_current_object()
        assert current_vendo._get_current_object() is first
        vendo_mode.clear_requests()
        app.config["VENDO_TIMEOUT"] = 7
        assert current_vendo.timeout == 7
    with app.test_request_context(headers={"X-Vendo-User-JWT": "  "}):
        assert current_vendo._get_current_object() is app.extensions["vendo"]._get_current_object()


def test_without_the_extension_the_error_says_what_to_write() -> None:
    with Flask("bare").app_context(), pytest.raises(RuntimeError, match=r"FlaskVendo\(app\)"):
        current_vendo.token("gmail")


@pytest.mark.usefixtures("vendo_mode")
def test_nested_contexts_keep_their_users_apart(app: Flask) -> None:
    def user() -> str | None:
        return current_vendo._get_current_object()._settings.user_jwt

    with app.app_context():
        assert user() is None
        with app.test_request_context(headers=_headers(ONE)):
            assert user() == ONE
            with app.test_request_context(headers=_headers(OTHER)):
                assert user() == OTHER
                with app.test_request_context():
                    assert user() is None
                assert user() == OTHER
            assert user() == ONE
        assert user() is None
        assert not list(g)


def test_a_nested_request_has_its_own_client(vendo_mode: LocalVendo, app: Flask) -> None:
    def outer() -> list[str]:
        before = current_vendo.token("gmail")
        inner = _get(app.test_client(), "/token/", OTHER)
        return [before, inner, current_vendo.token("gmail")]

    app.add_url_rule("/outer/", view_func=outer)
    one, other = (vendo_mode.token("gmail", user=jwt) for jwt in (ONE, OTHER))
    assert app.test_client().get("/outer/", headers=_headers(ONE)).json == [one, other, one]


def test_a_nested_application_does_not_act_for_the_user(app: Flask) -> None:
    other = make_app(VENDO_API_KEY="vendo_sk_" + "o" * 32)
    app.config["VENDO_API_KEY"] = "vendo_sk_" + "a" * 32
    with app.test_request_context(headers=_headers(ONE)):
        mine = current_vendo._get_current_object()
        with other.app_context():
            assert current_vendo == other.extensions["vendo"]
            with pytest.raises(RuntimeError, match="request"):
                vendo_identity()
        assert current_vendo._get_current_object() is mine


def test_a_flask_with_one_context_works(
    vendo_mode: LocalVendo, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As from Flask 3.2 on, where the context of a request is that of its application.
    monkeypatch.setattr(context, "_HAS_TWO_CONTEXTS", False)
    monkeypatch.delattr(flask_globals, "request_ctx")

    assert _get(app.test_client(), "/token/", ONE) == vendo_mode.token("gmail", user=ONE)
    with app.app_context():
        assert current_vendo == app.extensions["vendo"]


@pytest.mark.parametrize("path", ["/stream/", "/kept-stream/"])
def test_a_stream_can_use_its_client_after_the_view_returned(
    vendo_mode: LocalVendo, app: Flask, browser: FlaskClient, path: str
) -> None:
    token = vendo_mode.token("gmail", user=ONE)
    response = browser.get(path, headers=_headers(ONE))
    pieces = response.iter_encoded()
    assert next(pieces).decode() == f"{token}\n"

    # The rest is requested again.
    app.extensions["vendo"].for_user(ONE).invalidate("gmail")
    vendo_mode.clear_requests()
    assert [piece.decode() for piece in pieces] == [f"{token}\n"] * 2
    assert vendo_mode.requests[0].headers["x-vendo-user-jwt"] == ONE


def test_background_work_can_use_the_client_of_its_request(
    vendo_mode: LocalVendo, app: Flask
) -> None:
    kept: dict[str, Any] = {}

    def view() -> str:
        kept["client"] = current_vendo._get_current_object()
        kept["session"] = current_vendo.session("gmail")
        kept["proxy"] = copy_current_request_context(lambda: current_vendo.token("gmail"))
        return ""

    app.add_url_rule("/", view_func=view)
    app.test_client().get("/", headers=_headers(ONE))

    token = vendo_mode.token("gmail", user=ONE)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(kept["client"].token, "gmail").result() == token
        assert pool.submit(kept["proxy"]).result() == token
        assert pool.submit(kept["session"].get, "gmail/v1/users/me/profile").result().ok


def test_the_client_of_a_request_is_freed_with_it(vendo_mode: LocalVendo, app: Flask) -> None:
    made: list[weakref.ref[Vendo]] = []

    def view() -> str:
        made.append(weakref.ref(current_vendo._get_current_object()))
        return current_vendo.token("gmail")

    app.add_url_rule("/", view_func=view)
    gc.disable()
    try:
        app.test_client().get("/", headers=_headers(ONE)).close()
        assert made[0]() is None
    finally:
        gc.enable()
    assert app.extensions["vendo"].token("gmail") == vendo_mode.token("gmail")


def test_concurrent_users_never_get_each_others_tokens(vendo_mode: LocalVendo, app: Flask) -> None:
    users = [f"user.{number}.jwt" for number in range(25)]
    barrier = Barrier(len(users))

    def visit(jwt: str) -> bool:
        browser = app.test_client()
        barrier.wait()
        token = vendo_mode.token("gmail", user=jwt)
        return all(_get(browser, path, jwt) == token for path in ("/token/", "/atoken/") * 2)

    with ThreadPoolExecutor(len(users)) as pool:
        assert all(pool.map(visit, users))


def test_sessions_of_requests_share_their_connections(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    def profile(jwt: str | None) -> Any:
        return browser.get("/profile/", headers=_headers(jwt)).json

    users = [profile(jwt)["emailAddress"] for jwt in (ONE, OTHER, None) * 5]

    assert len(set(users)) == 3
    opened = vendo_mode.connections_opened
    profile("user.third.jwt")
    assert vendo_mode.connections_opened == opened


def test_a_test_may_replace_the_client_with_a_mock(app: Flask) -> None:
    app.extensions["vendo"] = MockClient(tokens={"gmail": "mocked"})

    assert _get(app.test_client(), "/token/", ONE) == "mocked"


def test_the_identity_is_the_signed_in_user(app: Flask, proxy: dict[str, str]) -> None:
    with app.test_request_context(headers=proxy):
        who = vendo_identity()
        assert isinstance(who, VendoIdentity)
        assert vendo_identity == who
        assert vendo_identity.email == who.email == "ada@example.com"
        assert repr(vendo_identity) == repr(who)


def test_without_a_user_the_identity_is_false_and_has_no_attributes(
    app: Flask, proxy: dict[str, str]
) -> None:
    with app.test_request_context():
        assert not vendo_identity
        assert vendo_identity() is None
        for name in ("user_id", "email", "name", "tenant_id", "role"):
            with pytest.raises(IdentityNotPresent):
                getattr(vendo_identity, name)
        assert not hasattr(vendo_identity, "jinja_pass_arg")
    assert not vendo_identity


def test_identity_headers_alone_are_ignored(
    browser: FlaskClient, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.get("/identity/", headers=proxy).json == {
        "identity": "5f0c1a9e",
        "name": "Ada Example",
    }
    monkeypatch.setenv("VENDO_AUTH", "0")
    assert browser.get("/identity/", headers=proxy).json == {"identity": None, "name": ""}
    monkeypatch.delenv("VENDO_AUTH")
    assert browser.get("/identity/", headers=proxy).json == {"identity": None, "name": ""}


def test_one_extension_serves_several_applications() -> None:
    vendo = FlaskVendo()
    apps = [Flask(name) for name in ("one", "other")]
    for app in apps:
        vendo.init_app(app)

    clients = {id(app.extensions["vendo"]._get_current_object()) for app in apps}
    assert len(clients) == 2


def _headers(jwt: str | None) -> dict[str, str]:
    return {} if jwt is None else {"X-Vendo-User-JWT": jwt}


def _get(browser: FlaskClient, path: str, jwt: str | None) -> str:
    response = browser.get(path, headers=_headers(jwt))
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize("trust", [None, False, True, "1", "0"])
def test_the_configuration_says_whether_the_server_drops_such_names(
    trust: Any, proxy: dict[str, str]
) -> None:
    app = make_app(VENDO_TRUST_WSGI_HEADERS=trust)
    server = {"SERVER_SOFTWARE": "WSGIServer/0.2"}
    page = app.test_client().get("/who/", headers=proxy, environ_overrides=server)
    assert page.text == ("ada@example.com" if trust in {True, "1"} else "nobody")


def test_the_extension_has_the_attributes_of_the_current_client(
    vendo_mode: LocalVendo, app: Flask
) -> None:
    vendo = FlaskVendo()
    with app.app_context():
        assert vendo.token("gmail") == vendo_mode.token("gmail")
        assert vendo.connections.connected_slugs() == ["gmail", "openai"]
        assert vendo.session("gmail").get("gmail/v1/users/me/profile").ok
        assert vendo.connections is app.extensions["vendo"].connections
    with app.test_request_context(headers=_headers(ONE)):
        assert vendo.token("gmail") == vendo_mode.token("gmail", user=ONE)


def test_an_extension_of_two_applications_uses_the_current_one() -> None:
    vendo = FlaskVendo()
    apps = [Flask(name) for name in ("one", "other")]
    with LocalVendo(["gmail"]) as one, LocalVendo(["gmail"]) as other:
        for app, server in zip(apps, (one, other), strict=True):
            app.config.update(server.environment())
            vendo.init_app(app)
        with apps[0].app_context(), apps[1].app_context():
            assert vendo.token("gmail") == other.token("gmail")
        with apps[0].app_context():
            assert vendo.token("gmail") == one.token("gmail")


def test_outside_of_a_context_the_extension_says_what_to_do(app: Flask) -> None:
    vendo = FlaskVendo()
    with pytest.raises(RuntimeError, match=r"(?s)application context.*Fix: .*app\.app_context\(\)"):
        vendo.token("gmail")
    with app.app_context(), pytest.raises(AttributeError, match="tokenn"):
        vendo.tokenn  # type: ignore[attr-defined]  # noqa: B018  # misspelt


def test_an_extension_can_be_copied_and_inspected_without_a_context() -> None:
    vendo = FlaskVendo(errors=True)
    assert vars(copy.deepcopy(vendo)) == vars(vendo)
    assert inspect.unwrap(vendo) is vendo  # type: ignore[arg-type]
    assert "FlaskVendo" in repr(vendo)
