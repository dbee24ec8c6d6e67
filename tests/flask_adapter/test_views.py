"""The ready-made views: connecting a provider, webhooks, the identity."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cachelib import FileSystemCache, RedisCache, SimpleCache
from flask import Blueprint, Flask, request, url_for
from werkzeug.exceptions import NotFound

from flask_adapter.site import make_app
from vendo import NotConnected
from vendo.testing import LocalVendo
from vendo.web import MAX_WEBHOOK_BYTES
from vendo_flask import FlaskVendo, blueprint, current_vendo, views, webhook_received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cachelib import BaseCache
    from flask.testing import FlaskClient

    from vendo import WebhookEvent

CONNECT = "/api/vendo/connect/gmail/"
DONE = "/api/vendo/connect/done/"
WEBHOOK = "/api/vendo/webhook/"
EVENT = {
    "id": "evt_1",
    "type": "connection.connected",
    "occurred_at": "2026-05-02T10:00:00Z",
    "data": {"slug": "gmail"},
}


@pytest.fixture
def received() -> Iterator[list[WebhookEvent]]:
    events: list[WebhookEvent] = []

    def receive(sender: Flask, event: WebhookEvent) -> None:
        assert request.path == WEBHOOK
        events.append(event)

    with webhook_received.connected_to(receive):
        yield events


@pytest.fixture
def post(vendo_mode: LocalVendo, browser: FlaskClient) -> Callable[..., Any]:
    def send(event: dict[str, Any] = EVENT, **options: Any) -> Any:
        headers, body = vendo_mode.sign_webhook(event)
        return browser.post(WEBHOOK, **{"headers": headers, "data": body, **options})

    return send


def test_other_methods_are_405(vendo_mode: LocalVendo, browser: FlaskClient) -> None:
    for path in (CONNECT, DONE, "/api/vendo/identity"):
        assert browser.post(path).status_code == 405
    for method in ("get", "put", "delete", "head", "options", "patch"):
        response = getattr(browser, method)(WEBHOOK)
        assert response.status_code == 405
        assert response.headers["Allow"] == "POST"


def test_a_webhook_without_a_receiver_is_logged_once(
    post: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    views._warn_of_no_receiver.cache_clear()
    assert [post({**EVENT, "id": name}).status_code for name in "ab"] == [200, 200]
    [text] = [text for text in caplog.messages if "receiver" in text]
    assert text.startswith("A webhook arrived, and no receiver is connected to webhook_received.")


def test_a_webhook_reaches_the_receivers_once(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    assert [post().status_code for _ in range(3)] == [200, 200, 200]
    assert [event.id for event in received] == ["evt_1"]
    assert received[0].slug == "gmail"


def test_a_receiver_may_be_for_one_application_and_async(
    vendo_mode: LocalVendo, app: Flask
) -> None:
    other = make_app()
    seen: list[str] = []

    async def receive(sender: Flask, event: WebhookEvent) -> None:
        assert sender is app
        seen.append(f"{event.id} {request.path}")

    with webhook_received.connected_to(receive, app):
        for each in (app, other):
            headers, body = vendo_mode.sign_webhook(EVENT)
            assert each.test_client().post(WEBHOOK, headers=headers, data=body).status_code == 200
    assert seen == [f"evt_1 {WEBHOOK}"]


def test_an_event_that_comes_to_two_blueprints_is_handled_once(
    vendo_mode: LocalVendo,
) -> None:
    app = make_app()
    app.register_blueprint(blueprint(), name="other", url_prefix="/other")
    events: list[str] = []

    def receive(sender: Flask, event: WebhookEvent) -> None:
        events.append(request.path)

    with webhook_received.connected_to(receive):
        for path in (WEBHOOK, "/other/webhook/"):
            headers, body = vendo_mode.sign_webhook(EVENT)
            assert app.test_client().post(path, headers=headers, data=body).status_code == 200
    assert events == [WEBHOOK]


def test_events_of_two_accounts_with_one_id_are_both_handled() -> None:
    with LocalVendo() as one, LocalVendo() as other:
        app = make_app(VENDO_WEBHOOK_SECRETS=[one.webhook_secret, other.webhook_secret])
        slugs: list[str | None] = []

        def receive(sender: Flask, event: WebhookEvent) -> None:
            slugs.append(event.slug)

        with webhook_received.connected_to(receive):
            for account, slug in ((one, "gmail"), (other, "slack"), (one, "gmail")):
                headers, body = account.sign_webhook({**EVENT, "data": {"slug": slug}})
                browser = app.test_client()
                assert browser.post(WEBHOOK, headers=headers, data=body).status_code == 200
        assert slugs == ["gmail", "slack"]


def test_a_failed_event_is_handled_on_redelivery(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    def fail(sender: Flask, event: WebhookEvent) -> None:
        raise RuntimeError

    with webhook_received.connected_to(fail):
        assert post().status_code == 500
    received.clear()
    assert [post().status_code for _ in range(2)] == [200, 200]
    assert [event.id for event in received] == ["evt_1"]


def test_a_failing_receiver_is_not_an_invalid_webhook(post: Callable[..., Any]) -> None:
    def fail(sender: Flask, event: WebhookEvent) -> None:
        current_vendo.token("no slug!")

    with webhook_received.connected_to(fail):
        assert post().status_code == 500


@pytest.mark.parametrize("event_id", ["evt 2\n", "é" * 300, "\ud800"])
@pytest.mark.parametrize("is_cached", [False, True])
def test_any_event_id_can_be_stored(
    event_id: str,
    is_cached: bool,
    vendo_mode: LocalVendo,
    received: list[WebhookEvent],
    tmp_path: Path,
) -> None:
    cache = FileSystemCache(str(tmp_path)) if is_cached else None
    browser = make_app(cache=cache).test_client()
    for _ in range(2):
        headers, body = vendo_mode.sign_webhook({**EVENT, "id": event_id})
        assert browser.post(WEBHOOK, headers=headers, data=body).status_code == 200
    assert len(received) == 1


@pytest.fixture(params=["files", pytest.param("redis", marks=pytest.mark.redis)])
def shared_cache(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], BaseCache]:
    """Makes caches that share their content."""
    if request.param == "files":
        return lambda: FileSystemCache(str(tmp_path))
    port = request.getfixturevalue("redis_port")
    return lambda: RedisCache(port=port, key_prefix=f"{tmp_path}:")


def test_processes_that_share_a_cache_handle_an_event_once(
    vendo_mode: LocalVendo, received: list[WebhookEvent], shared_cache: Callable[[], BaseCache]
) -> None:
    apps = [make_app(cache=shared_cache()) for _ in range(2)]

    def fail(sender: Flask, event: WebhookEvent) -> None:
        raise RuntimeError

    def deliver(app: Flask) -> int:
        headers, body = vendo_mode.sign_webhook(EVENT)
        return app.test_client().post(WEBHOOK, headers=headers, data=body).status_code

    with webhook_received.connected_to(fail):
        assert deliver(apps[0]) == 500
    received.clear()
    assert [deliver(app) for app in apps] == [200, 200]
    assert len(received) == 1


@pytest.mark.parametrize("error", [NotConnected("binding_missing", "m"), NotFound()])
def test_what_a_receiver_raises_is_a_500_whatever_it_is(
    error: Exception, vendo_mode: LocalVendo
) -> None:
    def fail(sender: Flask, event: WebhookEvent) -> None:
        raise error

    headers, body = vendo_mode.sign_webhook(EVENT)
    with webhook_received.connected_to(fail):
        browser = make_app(errors=True).test_client()
        assert browser.post(WEBHOOK, headers=headers, data=body).status_code == 500


def test_a_repeat_during_the_first_delivery_is_handled_if_that_fails(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    repeats: list[Any] = []

    def repeat_and_fail(sender: Flask, event: WebhookEvent) -> None:
        repeats.append(post())
        raise RuntimeError

    with webhook_received.connected_to(repeat_and_fail):
        assert post().status_code == 500
    (repeat,) = repeats
    assert (repeat.status_code, repeat.headers["Retry-After"]) == (409, "10")
    received.clear()
    assert [post().status_code for _ in range(2)] == [200, 200]
    assert [event.id for event in received] == ["evt_1"]


@pytest.mark.parametrize("found", [False, None, RuntimeError])
def test_a_cache_that_is_down_keeps_no_event_from_being_handled(
    found: Any, vendo_mode: LocalVendo, received: list[WebhookEvent]
) -> None:
    class Cache(SimpleCache):
        def add(self, *_: Any, **__: Any) -> Any:
            if found is RuntimeError:
                raise RuntimeError
            return found

        def get(self, *_: Any) -> None:
            return None

    headers, body = vendo_mode.sign_webhook(EVENT)
    browser = make_app(cache=Cache()).test_client()
    assert browser.post(WEBHOOK, headers=headers, data=body).status_code == 200
    assert [event.id for event in received] == ["evt_1"]


def test_a_forged_webhook_is_400_and_not_delivered(
    vendo_mode: LocalVendo, post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    headers, body = vendo_mode.sign_webhook(EVENT)
    forged = post(data=body + b" ")
    missing = post(headers={})
    other = post(headers={**headers, "Vendo-Signature": "0" * 64})

    assert {forged.status_code, missing.status_code, other.status_code} == {400}
    assert not received
    assert vendo_mode.webhook_secret not in forged.text


def test_a_webhook_that_is_too_old_is_400(
    vendo_mode: LocalVendo, post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body = vendo_mode.sign_webhook(EVENT)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 302)

    assert post(headers=headers, data=body).status_code == 400


@pytest.mark.parametrize("limit", [None, 2 * MAX_WEBHOOK_BYTES, 1_000])
def test_a_webhook_over_1_mib_is_413(
    limit: int | None, app: Flask, post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = limit
    assert post(data=b"x" * (MAX_WEBHOOK_BYTES + 1)).status_code == 413
    assert post(data=b"x" * 1_001).status_code == (413 if limit == 1_000 else 400)
    assert not received


def test_a_wrong_length_does_not_bypass_the_limit(post: Callable[..., Any]) -> None:
    large = b"x" * (MAX_WEBHOOK_BYTES + 1)
    for length in ("nonsense", "", "-1"):
        assert post(environ_overrides={"CONTENT_LENGTH": length}).status_code == 400
    chunks = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert post(environ_overrides=chunks).status_code == 200
    assert post(data=large, environ_overrides=chunks).status_code == 413


@pytest.mark.parametrize("form", ["text", "list", "one"])
def test_the_configuration_names_the_secrets(
    form: str,
    app: Flask,
    post: Callable[..., Any],
    vendo_mode: LocalVendo,
    received: list[WebhookEvent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "another")
    secret = vendo_mode.webhook_secret
    assert post().status_code == 400
    if form == "one":
        app.config["VENDO_WEBHOOK_SECRET"] = secret
    else:
        app.config["VENDO_WEBHOOK_SECRETS"] = secret if form == "text" else ["whsec_new", secret]
    assert post().status_code == 200
    assert len(received) == 1


@pytest.mark.parametrize("secrets", [None, [], ["whsec_ok", " "], 7])
def test_without_a_usable_secret_every_webhook_is_500_and_only_the_log_says_why(
    secrets: Any,
    app: Flask,
    post: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("VENDO_WEBHOOK_SECRET")
    app.config["VENDO_WEBHOOK_SECRETS"] = secrets

    response = post()

    assert response.status_code == 500
    assert "secret" not in response.text.lower()
    assert "WEBHOOK_SECRET" in caplog.text


def test_the_identity_endpoint_responds_with_the_platforms_fields(
    browser: FlaskClient, proxy: dict[str, str]
) -> None:
    response = browser.get("/api/vendo/identity", headers=proxy)

    assert response.json
    assert response.json["user_id"] == "5f0c1a9e"
    assert response.json["role"] == "member"
    assert "no-store" in response.headers["Cache-Control"]


def test_identity_headers_alone_are_ignored(
    browser: FlaskClient, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.get("/api/vendo/identity").status_code == 401
    monkeypatch.delenv("VENDO_AUTH")
    response = browser.get("/api/vendo/identity", headers=proxy)
    assert response.status_code == 401
    assert "ada" not in response.text
    assert "no-store" in response.headers["Cache-Control"]


def test_the_identity_view_is_at_the_platforms_path(app: Flask) -> None:
    with app.test_request_context():
        assert url_for("vendo.identity") == "/api/vendo/identity"


@pytest.mark.usefixtures("vendo_mode")
def test_the_views_may_be_nested_at_another_path() -> None:
    app = Flask("moved")
    vendo = FlaskVendo(app, errors=True)
    outer = Blueprint("account", __name__, url_prefix="/account")
    views = vendo.blueprint(may_connect=lambda request, slug: True)
    outer.register_blueprint(views, name="services", url_prefix="/services")
    app.register_blueprint(outer)
    app.add_url_rule("/", view_func=lambda: current_vendo.token("slack"))

    browser = app.test_client()
    response = browser.get("/", headers={"Accept": "application/json"})
    link = json.loads(response.text)["error"]["connect_url"]
    assert link.startswith("/account/services/connect/slack/")
    query = parse_qs(urlsplit(browser.get(link).location).query)
    assert query["return_to"] == ["http://localhost/account/services/connect/done/"]


@pytest.mark.usefixtures("vendo_mode")
def test_users_come_back_below_the_servers_prefix(browser: FlaskClient) -> None:
    base_url = "http://localhost/mail-app"
    page = browser.get("/page/", query_string={"q": "é&"}, base_url=base_url).text

    assert "/mail-app/api/vendo/connect/gmail/?next=" in page
    assert "next=%2Fmail-app%2Fpage%2F%3Fq%3D%25C3%25A9%2526" in page


def test_an_application_can_guard_the_views(
    vendo_mode: LocalVendo,
) -> None:
    app = Flask("guarded")
    FlaskVendo(app)
    views = blueprint(may_connect=lambda request, slug: True)

    @views.before_request
    def sign_in_first() -> Any:
        if request.endpoint == "vendo.connect" and not request.authorization:
            return "", 401
        return None

    app.register_blueprint(views)
    assert app.test_client().get(CONNECT).status_code == 401
    assert app.test_client().get(CONNECT, auth=("ada", "x")).status_code == 302
    headers, body = vendo_mode.sign_webhook(EVENT)
    assert app.test_client().post(WEBHOOK, headers=headers, data=body).status_code == 200
