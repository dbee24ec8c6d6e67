"""The ready-made views: connecting a provider, webhooks, the identity."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.cache import cache
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import reverse

from vendo.web import CONNECT_COOKIE, MAX_WEBHOOK_BYTES
from vendo_django import client, views, webhook_received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpResponse

    from vendo import WebhookEvent
    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/gmail/"
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

    def receive(event: WebhookEvent, **_: Any) -> None:
        events.append(event)

    webhook_received.connect(receive)
    yield events
    webhook_received.disconnect(receive)


@pytest.fixture
def post(vendo_mode: LocalVendo) -> Callable[..., HttpResponse]:
    def send(event: dict[str, Any] = EVENT, **options: Any) -> Any:
        headers, body = vendo_mode.sign_webhook(event)
        browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
        sent = {"content_type": "application/json", "headers": headers, "data": body, **options}
        return browser.post(WEBHOOK, **sent)

    return send


def test_the_connect_link_leads_to_vendo_with_a_signed_state(vendo_mode: LocalVendo) -> None:
    browser = Client()
    response = browser.get(CONNECT + "?next=/inbox%3Fpage%3D2")

    parts = urlsplit(response["Location"])
    query = parse_qs(parts.query)
    assert response.status_code == 302
    assert f"{parts.scheme}://{parts.netloc}" == vendo_mode.url
    assert parts.path == "/connections/connect/gmail"
    assert query["return_to"] == ["http://testserver/api/vendo/connect/done/"]
    assert "no-store" in response["Cache-Control"]
    cookie = response.cookies[CONNECT_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")

    back = browser.get("/api/vendo/connect/done/", {"state": query["state"][0], "slug": "gmail"})
    assert (back.status_code, back["Location"]) == (302, "/inbox?page=2")


def test_over_https_the_cookie_is_secure(vendo_mode: LocalVendo) -> None:
    response = Client().get(CONNECT, secure=True)

    assert response.cookies[CONNECT_COOKIE]["secure"]
    assert "https%3A%2F%2Ftestserver%2F" in response["Location"]


def test_connecting_in_two_tabs_works(vendo_mode: LocalVendo) -> None:
    browser = Client()
    states = [
        parse_qs(urlsplit(browser.get(f"{CONNECT}?next=/{tab}")["Location"]).query)["state"][0]
        for tab in ("one", "other")
    ]

    for tab, state in zip(("one", "other"), states, strict=True):
        response = browser.get("/api/vendo/connect/done/", {"state": state})
        assert response["Location"] == f"/{tab}"


@pytest.mark.parametrize(
    "next_address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
    ],
)
def test_next_addresses_on_other_hosts_are_400(vendo_mode: LocalVendo, next_address: str) -> None:
    response = Client().get(CONNECT, {"next": next_address})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_failed"
    assert "evil" not in response.content.decode()


def test_another_browser_cannot_use_the_state(vendo_mode: LocalVendo) -> None:
    state = parse_qs(urlsplit(Client().get(CONNECT)["Location"]).query)["state"][0]

    for browser in (Client(), _with_cookie("x" * 32)):
        assert browser.get("/api/vendo/connect/done/", {"state": state}).status_code == 400
    assert Client().get("/api/vendo/connect/done/").status_code == 400


def test_after_connecting_the_new_token_is_used(vendo_mode: LocalVendo) -> None:
    jwt = {"X-Vendo-User-JWT": "user.one.jwt"}
    browser = Client()
    browser.get("/token/", headers=jwt)
    client().token("gmail")
    state = parse_qs(urlsplit(browser.get(CONNECT)["Location"]).query)["state"][0]
    vendo_mode.rotate("gmail")

    browser.get("/api/vendo/connect/done/", {"state": state}, headers=jwt)

    fresh = vendo_mode.token("gmail", user="user.one.jwt")
    assert browser.get("/token/", headers=jwt).content.decode() == fresh
    assert client().token("gmail") == vendo_mode.token("gmail")


def test_behind_the_proxy_connecting_needs_a_signed_in_user(
    vendo_mode: LocalVendo, proxy: dict[str, str], db: None
) -> None:
    rejected = Client().get(CONNECT)

    assert rejected.status_code == 401
    assert vendo_mode.api_key not in str(rejected.headers) + rejected.content.decode()
    assert Client().get(CONNECT, headers=proxy).status_code == 302


def test_in_oss_mode_connecting_responds_with_501() -> None:
    response = Client().get(CONNECT)

    assert response.status_code == 501
    assert response.json()["error"]["code"] == "vendo_only_feature"


def test_a_malformed_slug_is_400(vendo_mode: LocalVendo) -> None:
    assert Client().get("/api/vendo/connect/no%20slug/").status_code == 400


def test_other_methods_are_405(vendo_mode: LocalVendo) -> None:
    assert Client().post(CONNECT).status_code == 405
    assert Client().post("/api/vendo/connect/done/").status_code == 405
    assert Client().post("/api/vendo/identity").status_code == 405
    for method in ("get", "put", "delete", "head", "options"):
        response = getattr(Client(), method)(WEBHOOK)
        assert response.status_code == 405
        assert response["Allow"] == "POST"


def test_a_webhook_reaches_the_receivers_once(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    assert [post().status_code for _ in range(3)] == [200, 200, 200]
    assert [event.id for event in received] == ["evt_1"]
    assert received[0].slug == "gmail"


@pytest.mark.redis
def test_a_shared_redis_stores_handled_ids(
    post: Callable[..., Any], received: list[WebhookEvent], redis_port: int
) -> None:
    redis = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{redis_port}",
    }

    def fail(**_: Any) -> None:
        raise RuntimeError

    webhook_received.connect(fail)
    try:
        with override_settings(CACHES={"default": redis}):
            assert post().status_code == 500
    finally:
        webhook_received.disconnect(fail)
    received.clear()
    for prefix in ("one", "one", "another"):
        # New settings make a new cache, with the content of the last one of the same prefix.
        with override_settings(CACHES={"default": {**redis, "KEY_PREFIX": prefix}}):
            assert post().status_code == 200
    assert [event.id for event in received] == ["evt_1", "evt_1"]
    with override_settings(CACHES={"default": redis}):
        cache.clear()


def test_under_asgi_a_webhook_is_delivered(
    vendo_mode: LocalVendo, received: list[WebhookEvent]
) -> None:
    headers, body = vendo_mode.sign_webhook(EVENT)
    response = async_to_sync(AsyncClient().post)(
        WEBHOOK, data=body, content_type="application/json", headers=headers
    )

    assert response.status_code == 200
    assert [event.id for event in received] == ["evt_1"]


def test_receivers_get_the_request_and_may_be_async(post: Callable[..., Any]) -> None:
    seen: list[str] = []

    async def receive(event: WebhookEvent, request: Any, **_: Any) -> None:
        seen.append(f"{event.id} {request.path}")

    webhook_received.connect(receive)
    try:
        post()
    finally:
        webhook_received.disconnect(receive)
    assert seen == [f"evt_1 {WEBHOOK}"]


def test_a_failed_event_is_handled_on_redelivery(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError

    webhook_received.connect(fail)
    try:
        assert post().status_code == 500
    finally:
        webhook_received.disconnect(fail)
    assert post().status_code == 200
    assert [event.id for event in received] == ["evt_1", "evt_1"]


def test_a_failing_receiver_is_not_an_invalid_webhook(post: Callable[..., Any]) -> None:
    def fail(**_: Any) -> None:
        client().token("no slug!")

    webhook_received.connect(fail)
    try:
        assert post().status_code == 500
    finally:
        webhook_received.disconnect(fail)


@pytest.mark.parametrize("event_id", ["evt 2\n", "é" * 300, "\ud800"])
def test_any_event_id_can_be_stored(
    event_id: str, post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    for _ in range(2):
        assert post({**EVENT, "id": event_id}).status_code == 200
    assert len(received) == 1


def test_a_forged_webhook_is_400_and_not_delivered(
    vendo_mode: LocalVendo, post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    headers, body = vendo_mode.sign_webhook(EVENT)
    forged = post(data=body + b" ")
    missing = post(headers={})
    other = post(headers={**headers, "Vendo-Signature": "0" * 64})

    assert {forged.status_code, missing.status_code, other.status_code} == {400}
    assert not received
    assert vendo_mode.webhook_secret not in forged.content.decode()


def test_a_webhook_that_is_too_old_is_400(
    vendo_mode: LocalVendo, post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body = vendo_mode.sign_webhook(EVENT)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 302)

    assert post(headers=headers, data=body).status_code == 400


@pytest.mark.parametrize("limit", [2_621_440, 1_000])
def test_a_webhook_over_1_mib_is_413_and_not_read(
    limit: int, post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=limit):
        assert post(data=b"x" * (MAX_WEBHOOK_BYTES + 1)).status_code == 413
        assert post(data=b"x" * 1_001).status_code == (413 if limit == 1_000 else 400)
    assert not received


def test_a_wrong_length_does_not_bypass_the_limit(post: Callable[..., Any]) -> None:
    assert post(CONTENT_LENGTH="nonsense").status_code == 400
    request = RequestFactory().generic("POST", WEBHOOK, b"x" * (MAX_WEBHOOK_BYTES + 1))
    request.META["CONTENT_LENGTH"] = ""  # as for a chunked body
    assert views.webhook(request).status_code == 413


@pytest.mark.parametrize("form", ["text", "list"])
def test_the_setting_names_the_secrets(
    form: str,
    post: Callable[..., Any],
    vendo_mode: LocalVendo,
    received: list[WebhookEvent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "another")
    secret = vendo_mode.webhook_secret
    assert post().status_code == 400
    secrets = secret if form == "text" else ["whsec_new", secret]
    with override_settings(VENDO={"WEBHOOK_SECRETS": secrets}):
        assert post().status_code == 200
    assert len(received) == 1


def test_without_a_secret_every_webhook_is_400(
    post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_WEBHOOK_SECRET")

    assert post().status_code == 400
    with override_settings(VENDO={"WEBHOOK_SECRETS": []}):
        assert post().status_code == 400


def test_ids_are_stored_as_long_as_a_replay_is_possible(
    post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float] = []
    add = cache.add

    def noted(key: str, value: Any, timeout: float) -> bool:
        timeouts.append(timeout)
        return add(key, value, timeout=timeout)

    monkeypatch.setattr(cache, "add", noted)
    post()
    assert timeouts == [600]


def test_the_identity_endpoint_responds_with_the_platforms_fields(
    proxy: dict[str, str], db: None
) -> None:
    response = Client().get("/api/vendo/identity", headers=proxy)

    assert response.json()["user_id"] == "5f0c1a9e"
    assert response.json()["role"] == "member"
    assert "no-store" in response["Cache-Control"]


def test_identity_headers_alone_are_ignored(
    proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Client().get("/api/vendo/identity").status_code == 401
    monkeypatch.delenv("VENDO_AUTH")
    response = Client().get("/api/vendo/identity", headers=proxy)
    assert response.status_code == 401
    assert "ada" not in response.content.decode()


def test_login_required_middleware_exempts_the_platforms_views(
    post: Callable[..., Any], db: None
) -> None:
    middleware = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    with override_settings(MIDDLEWARE=middleware, LOGIN_URL="/login/"):
        assert post().status_code == 200
        assert Client().get("/api/vendo/identity").status_code == 401
        assert Client().get(CONNECT)["Location"].startswith("/login/")


def test_the_identity_view_is_at_the_platforms_path() -> None:
    assert reverse("vendo:identity") == "/api/vendo/identity"


def test_bodies_are_json(vendo_mode: LocalVendo) -> None:
    response = Client().get(CONNECT, {"next": "//x"})
    assert set(json.loads(response.content)["error"]) == {"code", "message"}


def _with_cookie(value: str) -> Client:
    browser = Client()
    browser.cookies[CONNECT_COOKIE] = value
    return browser
