"""The ready-made views: connecting a provider, webhooks, the identity."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DatabaseError, connection
from django.http import Http404
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import reverse

from vendo import NotConnected
from vendo.web import MAX_WEBHOOK_BYTES
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


def test_other_methods_are_405(vendo_mode: LocalVendo) -> None:
    assert Client().post(CONNECT).status_code == 405
    assert Client().post("/api/vendo/connect/done/").status_code == 405
    assert Client().post("/api/vendo/identity").status_code == 405
    for method in ("get", "put", "delete", "head", "options"):
        response = getattr(Client(), method)(WEBHOOK)
        assert response.status_code == 405
        assert response["Allow"] == "POST"


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


@pytest.mark.parametrize("secrets", [None, [], ["whsec_ok", " "], 7])
def test_without_a_usable_secret_every_webhook_is_500_and_only_the_log_says_why(
    secrets: Any,
    post: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("VENDO_WEBHOOK_SECRET")
    with override_settings(VENDO={"WEBHOOK_SECRETS": secrets}):
        response = post()

    assert response.status_code == 500
    assert "secret" not in response.content.decode().lower()
    assert "WEBHOOK_SECRET" in caplog.text


@pytest.mark.parametrize(
    "error", [NotConnected("binding_missing", "m"), Http404(), PermissionDenied(), BadRequest()]
)
def test_what_a_receiver_raises_is_a_500_whatever_it_is(
    error: Exception, post: Callable[..., Any]
) -> None:
    def fail(**_: Any) -> None:
        raise error

    webhook_received.connect(fail)
    try:
        with override_settings(VENDO={"ERRORS": True}):
            assert post().status_code == 500
    finally:
        webhook_received.disconnect(fail)


def test_a_repeat_during_the_first_delivery_is_handled_if_that_fails(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    repeats: list[Any] = []

    def repeat_and_fail(**_: Any) -> None:
        repeats.append(post())
        raise RuntimeError

    webhook_received.connect(repeat_and_fail)
    try:
        assert post().status_code == 500
    finally:
        webhook_received.disconnect(repeat_and_fail)
    (repeat,) = repeats
    assert (repeat.status_code, repeat["Retry-After"]) == (409, "10")
    received.clear()
    assert post().status_code == 200
    assert [event.id for event in received] == ["evt_1"]
    assert post().status_code == 200
    assert len(received) == 1


@pytest.mark.parametrize("found", [False, None, RuntimeError])
def test_a_cache_that_is_down_keeps_no_event_from_being_handled(
    found: Any,
    post: Callable[..., Any],
    received: list[WebhookEvent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def down(*_: Any, **__: Any) -> Any:
        if found is RuntimeError:
            raise RuntimeError
        return found

    for name in ("add", "get", "set", "delete"):
        monkeypatch.setattr(cache, name, down if name == "add" else lambda *_, **__: None)
    assert post().status_code == 200
    assert [event.id for event in received] == ["evt_1"]


def test_what_receivers_write_is_committed_before_the_event_is_done(
    post: Callable[..., Any], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ATOMIC_REQUESTS the commit may fail, after the receivers have returned."""
    from django.contrib.auth.models import Group

    def write(**_: Any) -> None:
        Group.objects.create(name="of a webhook")

    def fail() -> None:
        raise DatabaseError

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    webhook_received.connect(write)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(connection, "commit", fail)
            assert post().status_code == 500
        assert not Group.objects.filter(name="of a webhook").exists()
        assert [post().status_code for _ in range(2)] == [200, 200]
        assert Group.objects.filter(name="of a webhook").count() == 1
        Group.objects.all().delete()
    finally:
        webhook_received.disconnect(write)


def test_two_applications_with_one_store_each_handle_their_event(
    post: Callable[..., Any], received: list[WebhookEvent], vendo_mode: LocalVendo
) -> None:
    """One event may go to several endpoints. Each has a secret of its own."""
    from support.webhooks import signed

    assert post().status_code == 200
    body = json.dumps(EVENT).encode()
    with override_settings(VENDO={"WEBHOOK_SECRETS": "another"}):
        headers = signed(body, str(int(time.time())), "another")
        assert [post(headers=headers, data=body).status_code for _ in range(2)] == [200, 200]
    assert len(received) == 2


def test_an_event_that_comes_to_two_urls_is_handled_once(
    vendo_mode: LocalVendo, received: list[WebhookEvent]
) -> None:
    """They send the same signal, to the same receivers."""
    headers, body = vendo_mode.sign_webhook(EVENT)
    sent: dict[str, Any] = {"content_type": "application/json", "headers": headers}
    with override_settings(ROOT_URLCONF="django_adapter.twice_urls"):
        for address in (WEBHOOK, "/staff/vendo/webhook/"):
            assert Client().post(address, body, **sent).status_code == 200
    assert len(received) == 1


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
