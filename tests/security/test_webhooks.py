"""The claims on webhooks."""

from __future__ import annotations

import time
from typing import Any

import pytest

import vendo
from support.webhooks import signed
from vendo import WebhooksAPI, web
from vendo.testing import LocalVendo
from vendo.web import _replay, _replay_stores


class StoreThatIsAway:
    """A replay store whose server is down."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any) -> None:
            raise ConnectionError

        return fail


class Receiver:
    """Handles events: each process of an application has one."""

    def __init__(self, store: Any = None) -> None:
        self.store = web.ReplayCache() if store is None else store
        self.handled = 0

    def deliver(self) -> None:
        web.handle_once(self.store, "evt_1", self.handle)

    def handle(self) -> None:
        self.handled += 1


def test_a_webhook_needs_a_recent_signature_over_exactly_its_bytes(server: LocalVendo) -> None:
    webhooks = WebhooksAPI(server.webhook_secret)
    headers, body = server.sign_webhook({"id": "evt_1"})
    assert webhooks.verify(headers, body).id == "evt_1"

    wrong = {**headers, "Vendo-Signature": "0" * 64}
    old = server.sign_webhook({}, at=time.time() - 302)
    early = server.sign_webhook({}, at=time.time() + 302)
    for attempt in ((headers, body + b" "), (wrong, body), ({}, body), old, early):
        with pytest.raises(vendo.ValidationError):
            webhooks.verify(*attempt)


@pytest.mark.parametrize("secret", ["", " ", [], ["whsec_x", ""]])
def test_an_empty_secret_verifies_no_webhook(secret: Any) -> None:
    body = b'{"id": "evt_1", "type": "connection.changed"}'
    with pytest.raises(vendo.ValidationError):
        WebhooksAPI(secret).verify(signed(body, str(int(time.time())), secret=""), body)


@pytest.mark.parametrize("secret", [None, "", [], ["whsec_x", ""]])
def test_a_response_does_not_reveal_that_there_is_no_secret(secret: Any) -> None:
    headers = {"Vendo-Signature": "0" * 64, "Vendo-Timestamp": "1"}
    with pytest.raises(vendo.ValidationError, match="no Vendo-Signature header"):
        web.verified_webhook(lambda: secret, {}, b"{}")
    with pytest.raises(vendo.VendoError, match="secret") as caught:
        web.verified_webhook(lambda: secret, headers, b"{}")

    response = web.request_error_response(caught.value)
    assert (response.status, response.is_internal) == (500, True)
    page = web.error_page(caught.value, response)
    assert "secret" not in f"{response.body} {page}".lower()


def test_a_webhook_that_was_handled_is_not_handled_again() -> None:
    receiver = Receiver()
    for _ in range(3):
        receiver.deliver()
    assert receiver.handled == 1
    assert _replay.REPLAY_SECONDS == 24 * 60 * 60


def test_a_delivery_that_failed_is_handled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    receiver = Receiver()
    with pytest.raises(ZeroDivisionError):
        web.handle_once(receiver.store, "evt_1", fail)
    receiver.deliver()
    assert receiver.handled == 1

    now = 1000.0
    monkeypatch.setattr(_replay_stores, "elapsed", lambda: now)
    receiver = Receiver()
    receiver.store.add("evt_1", "lease of a process that was killed", _replay.LEASE_SECONDS)
    with pytest.raises(web.EventInProgress):
        receiver.deliver()
    now += 60
    receiver.deliver()
    assert receiver.handled == 1


def test_a_repeat_during_the_first_delivery_gets_409() -> None:
    receiver = Receiver()
    responses = []

    def repeat() -> None:
        with pytest.raises(web.EventInProgress) as caught:
            receiver.deliver()
        responses.append(web.request_error_response(caught.value))

    web.handle_once(receiver.store, "evt_1", repeat)
    (response,) = responses
    assert response.status == 409
    assert "Retry-After" in response.headers
    assert receiver.handled == 0


def test_without_a_store_a_webhook_may_be_handled_twice() -> None:
    receiver = Receiver(StoreThatIsAway())
    receiver.deliver()
    receiver.deliver()
    assert receiver.handled == 2


def test_with_a_store_in_each_process_a_webhook_may_be_handled_in_each() -> None:
    processes = [Receiver(), Receiver()]
    for process in (*processes, *processes):
        process.deliver()
    assert [process.handled for process in processes] == [1, 1]


def test_a_process_that_is_killed_after_its_work_has_the_webhook_handled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(_replay_stores, "elapsed", lambda: now)
    receiver = Receiver()
    receiver.store.add("evt_1", "lease of the process", _replay.LEASE_SECONDS)
    receiver.handle()  # and it is killed before the event is marked as done
    now += 60
    receiver.deliver()
    assert receiver.handled == 2
