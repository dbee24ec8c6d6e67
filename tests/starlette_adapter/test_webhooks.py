"""Webhooks through the ready-made route and through the dependency."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request

from starlette_adapter import project
from starlette_adapter.asgi import call, http_scope
from vendo import NotConnected, ValidationError, WebhookEvent
from vendo.web import MAX_WEBHOOK_BYTES, ReplayCache
from vendo_starlette import VendoSettings, install, vendo_routes, vendo_webhook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vendo.testing import LocalVendo

WEBHOOK = "/api/vendo/webhook/"
EVENT = {"id": "evt_1", "type": "connection.connected", "data": {"slug": "gmail"}}


@pytest.fixture
def received() -> list[WebhookEvent]:
    return []


@pytest.fixture
def app(received: list[WebhookEvent]) -> Starlette:
    async def receive(event: WebhookEvent, request: Request) -> None:
        assert request.url.path == WEBHOOK
        received.append(event)

    return Starlette(routes=vendo_routes(receive))


@pytest.fixture
def post(app: Starlette, vendo_mode: LocalVendo) -> Callable[..., Any]:
    return poster(app, vendo_mode)


def poster(app: Any, server: LocalVendo) -> Callable[..., Any]:
    browser = TestClient(app, raise_server_exceptions=False)

    def post(
        event: dict[str, Any] | None = None,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        path: str = WEBHOOK,
    ) -> Any:
        signed, signed_body = server.sign_webhook(event or EVENT)
        return browser.post(
            path,
            content=signed_body if body is None else body,
            headers=signed if headers is None else headers,
        )

    return post


def test_a_webhook_reaches_the_receiver_once(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    responses = [post() for _ in range(3)]

    assert [response.status_code for response in responses] == [200, 200, 200]
    assert [response.content for response in responses] == [b"", b"", b""]
    assert [event.id for event in received] == ["evt_1"]
    assert received[0].slug == "gmail"


def test_a_receiver_may_be_an_ordinary_function(vendo_mode: LocalVendo) -> None:
    received: list[str] = []

    def receive(event: WebhookEvent, request: Request) -> None:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()  # raises in a thread
        received.append(event.id)

    assert poster(FastAPI(routes=vendo_routes(receive)), vendo_mode)().status_code == 200
    assert received == ["evt_1"]


def test_a_receiver_may_read_the_body_again(vendo_mode: LocalVendo) -> None:
    received: list[Any] = []

    async def receive(event: WebhookEvent, request: Request) -> None:
        received.append((await request.json(), await request.body()))

    app = FastAPI(routes=vendo_routes(receive))

    @app.post("/own/")
    async def own(
        event: Annotated[WebhookEvent, Depends(vendo_webhook())], request: Request
    ) -> None:
        await receive(event, request)

    post = poster(app, vendo_mode)
    for path in (WEBHOOK, "/own/"):
        assert post(path=path, event={**EVENT, "id": path}).status_code == 200
    assert [found["id"] for found, _ in received] == [WEBHOOK, "/own/"]
    assert all(b"gmail" in body for _, body in received)


def test_a_receiver_with_yield_is_an_error() -> None:
    def receive(event: WebhookEvent, request: Request) -> Any:
        yield

    async def receive_async(event: WebhookEvent, request: Request) -> Any:
        yield

    for receiver in (receive, receive_async):
        with pytest.raises(ValidationError, match="on_webhook="):
            vendo_routes(receiver)


def test_a_receiver_may_be_any_callable(vendo_mode: LocalVendo) -> None:
    received: list[str] = []

    class Receiver:
        async def __call__(self, event: WebhookEvent, request: Request) -> None:
            received.append(event.id)

    async def receive(event: WebhookEvent, request: Request) -> None:
        received.append(event.id)

    for receiver in (Receiver(), lambda *arguments: receive(*arguments)):  # noqa: PLW0108  # not a coroutine function, but returns a coroutine
        assert poster(Starlette(routes=vendo_routes(receiver)), vendo_mode)().status_code == 200
    assert received == ["evt_1", "evt_1"]


def test_without_a_receiver_a_webhook_is_verified(vendo_mode: LocalVendo) -> None:
    post = poster(Starlette(routes=vendo_routes()), vendo_mode)

    assert post().status_code == 200
    assert post(body=b"{}").status_code == 400


def test_a_failed_event_is_handled_on_redelivery(
    vendo_mode: LocalVendo,
) -> None:
    tries: list[str] = []

    async def receive(event: WebhookEvent, request: Request) -> None:
        tries.append(event.id)
        if len(tries) == 1:
            raise NotConnected("binding_missing", "An error of the receiver's own.")

    post = poster(Starlette(routes=vendo_routes(receive)), vendo_mode)
    assert [post().status_code for _ in range(3)] == [500, 200, 200]
    assert tries == ["evt_1", "evt_1"]


def test_a_repeat_during_the_first_delivery_is_handled_if_that_fails(
    vendo_mode: LocalVendo,
) -> None:
    received: list[str] = []
    repeats: list[Any] = []

    def receive(event: WebhookEvent, request: Request) -> None:
        received.append(event.id)
        if len(received) == 1:
            repeats.append(post())
            raise RuntimeError

    post = poster(Starlette(routes=vendo_routes(receive)), vendo_mode)
    assert [post().status_code for _ in range(3)] == [500, 200, 200]
    (repeat,) = repeats
    assert (repeat.status_code, repeat.headers["Retry-After"]) == (409, "10")
    assert received == ["evt_1", "evt_1"]


def test_what_a_receiver_raises_is_a_500_whatever_it_is(vendo_mode: LocalVendo) -> None:
    raised: list[Exception] = [NotConnected("binding_missing", "m"), HTTPException(404)]

    def receive(event: WebhookEvent, request: Request) -> None:
        raise raised.pop()

    app = Starlette(routes=vendo_routes(receive))
    install(app)
    post = poster(app, vendo_mode)
    assert [post().status_code for _ in range(2)] == [500, 500]


@pytest.mark.redis
def test_applications_with_one_redis_handle_an_event_once(
    vendo_mode: LocalVendo, redis_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[str] = []

    def receive(event: WebhookEvent, request: Request) -> None:
        received.append(event.id)

    url = f"redis://127.0.0.1:{redis_port}/5"
    event = {**EVENT, "id": "evt_of_two_applications"}
    for by_settings in (True, False):
        app = Starlette(routes=vendo_routes(receive))
        if by_settings:
            install(app, VendoSettings(redis_url=url))
        else:
            monkeypatch.setenv("VENDO_REDIS_URL", url)
        assert poster(app, vendo_mode)(event).status_code == 200
    assert received == ["evt_of_two_applications"]


def _delivery(server: LocalVendo, app: Starlette) -> Callable[[], Awaitable[int]]:
    """Return what delivers an event and returns the status of the response."""
    headers, body = server.sign_webhook(EVENT)
    names = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = http_scope(WEBHOOK, "POST", names)

    async def deliver() -> int:
        messages = await call(app, {**scope}, [{"type": "http.request", "body": body}])
        return int(messages[0]["status"])

    return deliver


def test_a_cancelled_event_is_handled_on_redelivery(vendo_mode: LocalVendo) -> None:
    tries: list[str] = []

    async def receive(event: WebhookEvent, request: Request) -> None:
        tries.append(event.id)
        if len(tries) == 1:
            has_begun.set()
            await asyncio.Event().wait()

    has_begun = asyncio.Event()
    deliver = _delivery(vendo_mode, Starlette(routes=vendo_routes(receive)))

    async def main() -> None:
        first = asyncio.ensure_future(deliver())
        await has_begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await deliver() == 200

    asyncio.run(main())
    assert tries == ["evt_1", "evt_1"]


def test_an_event_that_is_cancelled_while_the_store_is_slow_is_handled_on_redelivery(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[str] = []
    has_begun, go = threading.Event(), threading.Event()
    released = threading.Semaphore(0)
    add, discard = ReplayCache.add, ReplayCache.discard

    def slow_add(store: ReplayCache, *arguments: Any) -> str | None:
        has_begun.set()
        assert go.wait(60)
        return add(store, *arguments)

    def noted_discard(store: ReplayCache, *arguments: Any) -> None:
        discard(store, *arguments)
        released.release()

    monkeypatch.setattr(ReplayCache, "add", slow_add)
    monkeypatch.setattr(ReplayCache, "discard", noted_discard)

    async def receive(event: WebhookEvent, request: Request) -> None:
        handled.append(event.id)

    deliver = _delivery(vendo_mode, Starlette(routes=vendo_routes(receive)))

    async def main() -> None:
        in_thread = asyncio.get_running_loop().run_in_executor
        first = asyncio.ensure_future(deliver())
        await in_thread(None, has_begun.wait, 60)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await in_thread(None, released.acquire, True, 60)
        go.set()
        assert await in_thread(None, released.acquire, True, 60)  # again, once there is a lease
        assert await deliver() == 200

    asyncio.run(main())
    assert handled == ["evt_1"]


def test_each_application_has_its_own_replay_protection(vendo_mode: LocalVendo) -> None:
    received: list[str] = []

    def receive(event: WebhookEvent, request: Request) -> None:
        received.append(event.id)

    for _ in range(2):
        assert poster(Starlette(routes=vendo_routes(receive)), vendo_mode)().status_code == 200
    assert received == ["evt_1", "evt_1"]


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
    forged = post(body=body + b" ")
    missing = post(headers={})
    other = post(headers={**headers, "Vendo-Signature": "0" * 64})

    assert {forged.status_code, missing.status_code, other.status_code} == {400}
    assert forged.json()["error"]["code"] == "validation_failed"
    assert not received
    assert vendo_mode.webhook_secret not in forged.text


def test_a_webhook_that_is_too_old_is_400(
    vendo_mode: LocalVendo, post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body = vendo_mode.sign_webhook(EVENT)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 302)

    assert post(headers=headers, body=body).status_code == 400


def test_a_webhook_over_1_mib_is_413(
    post: Callable[..., Any], received: list[WebhookEvent]
) -> None:
    assert post(body=b"x" * (MAX_WEBHOOK_BYTES + 1)).status_code == 413
    assert post(body=b"x" * MAX_WEBHOOK_BYTES).status_code == 400
    assert not received


@pytest.mark.parametrize("length", [None, b"12", b"nonsense", b"-5", "٣".encode()])
def test_a_missing_or_wrong_length_does_not_bypass_the_limit(
    length: bytes | None, app: Starlette, vendo_mode: LocalVendo
) -> None:
    piece = {"type": "http.request", "body": b"x" * (MAX_WEBHOOK_BYTES // 2), "more_body": True}
    headers = [] if length is None else [(b"content-length", length)]

    # The client never stops sending; the route stops reading.
    sent = asyncio.run(call(app, http_scope(WEBHOOK, "POST", headers), [piece] * 3))
    assert sent[0]["status"] == 413


def test_a_webhook_with_a_too_large_length_is_not_read(app: Starlette) -> None:
    headers = [(b"content-length", b"9" * 300)]
    sent = asyncio.run(call(app, http_scope(WEBHOOK, "POST", headers)))
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_other_methods_than_post_are_405(method: str, app: Starlette) -> None:
    response = getattr(TestClient(app), method)(WEBHOOK)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_the_settings_name_the_secrets(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "another")
    secret = vendo_mode.webhook_secret
    cases: list[tuple[Any, int]] = [
        (None, 400), (secret, 200), (["new", secret], 200), ([], 500), ("", 500),
    ]  # fmt: skip
    for secrets, status in cases:
        app = Starlette(routes=vendo_routes())
        install(app, VendoSettings(webhook_secrets=secrets))
        assert poster(app, vendo_mode)().status_code == status


def test_an_application_handles_an_event_once_however_many_receivers_it_has(
    vendo_mode: LocalVendo,
) -> None:
    received: list[str] = []

    def receive(event: WebhookEvent, request: Request) -> None:
        received.append(request.url.path)

    routes = [*vendo_routes(receive, path="/one"), *vendo_routes(receive, path="/other")]
    post = poster(Starlette(routes=routes), vendo_mode)
    for path in ("/one/webhook/", "/other/webhook/", "/one/webhook/"):
        assert post(path=path).status_code == 200
    assert received == ["/one/webhook/"]

    other = Starlette(routes=vendo_routes(receive))
    assert poster(other, vendo_mode)().status_code == 200
    assert received == ["/one/webhook/", WEBHOOK]


@pytest.mark.parametrize("path", ["/api/vendo/webhook/", "/webhook"])
@pytest.mark.parametrize("installed", [False, True])
def test_without_a_secret_every_webhook_is_500_and_only_the_log_says_why(
    installed: bool,
    path: str,
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("VENDO_WEBHOOK_SECRET")

    response = poster(project.make_app(installed=installed), vendo_mode)(path=path)

    assert response.status_code == 500
    assert "secret" not in response.text.lower()
    if installed or path.startswith("/api"):  # else the server logs it
        assert "VENDO_WEBHOOK_SECRET is not set" in caplog.text


@pytest.mark.parametrize("installed", [False, True])
def test_the_dependency_gives_only_verified_events(installed: bool, vendo_mode: LocalVendo) -> None:
    post = poster(project.make_app(installed=installed), vendo_mode)

    assert post(path="/webhook").json() == "evt_1"
    forged = post(path="/webhook", body=b"{}")
    assert forged.status_code == 400
    assert vendo_mode.webhook_secret not in forged.text
    assert post(path="/webhook", body=b"x" * (MAX_WEBHOOK_BYTES + 1)).status_code == 413
