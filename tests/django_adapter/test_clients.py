"""The process's clients follow the setting, and by default the environment."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory, override_settings

from vendo.testing import LocalVendo
from vendo_django import MaskedStr, aclient, client


def test_the_process_has_one_client() -> None:
    assert client() is client()
    assert aclient() is aclient()


def test_the_environment_is_the_default(vendo_mode: LocalVendo) -> None:
    assert client().token("gmail") == vendo_mode.token("gmail")


@pytest.mark.parametrize("setting", [None, {}, {"API_KEY": None}, {"API_KEY": ""}])
def test_without_a_key_tokens_come_from_the_environment(
    setting: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    with override_settings(VENDO=setting):
        assert not client().is_vendo_mode()
        assert client().token("openai") == "sk-mine"
        assert asyncio.run(_atoken("openai")) == "sk-mine"


def test_each_setting_uses_its_own_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LocalVendo(["gmail"]) as one, LocalVendo(["gmail"]) as other:
        for server in (one, other, one):
            monkeypatch.setenv("VENDO_CREDENTIALS_URL", server.credentials_url)
            setting = {"API_KEY": server.api_key, "BASE_URL": server.url, "TIMEOUT": 5}
            with override_settings(VENDO=setting):
                made = client()
                assert made is client()
                assert made.timeout == 5
                assert made.token("gmail") == server.token("gmail")
                assert made.connections.connected_slugs() == ["gmail"]
                assert asyncio.run(_atoken("gmail")) == server.token("gmail")
            assert client() is not made
            assert client().timeout == 30
        for server in (one, other):
            keys = {r.headers["authorization"] for r in server.requests if r.surface != "pages"}
            assert keys == {f"Bearer {server.api_key}"}


def test_a_setting_changed_in_place_takes_effect_immediately() -> None:
    setting: dict[str, Any] = {"TIMEOUT": 5}
    with override_settings(VENDO=setting):
        assert client().timeout == 5
        setting["TIMEOUT"] = 7
        assert client().timeout == 7


def test_concurrent_threads_get_the_same_client() -> None:
    barrier = Barrier(20)

    def ask() -> int:
        barrier.wait()
        return id(client())

    with override_settings(VENDO={"TIMEOUT": 11}), ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(lambda _: ask(), range(20)))) == 1


def test_settings_may_change_while_threads_use_clients() -> None:
    rounds, crowd = 2000, 8
    setting: dict[str, Any] = {}
    numbers = count(1)
    # All threads see a new setting at the same time, and each replaces the old clients.
    barrier = Barrier(crowd, lambda: setting.update(TIMEOUT=next(numbers)))

    def ask() -> None:
        for _ in range(rounds):
            barrier.wait(60)
            try:
                client()
                aclient()
            except BaseException:
                barrier.abort()  # do not wait for a thread that has ended
                raise

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with override_settings(VENDO=setting), ThreadPoolExecutor(crowd) as pool:
            responses = [pool.submit(ask) for _ in range(crowd)]
        problems = [response.exception() for response in responses]
        assert not [problem for problem in problems if problem is not None]
    finally:
        sys.setswitchinterval(interval)


def test_the_key_may_be_a_masked_value(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_CREDENTIALS_URL", server.credentials_url)
    with override_settings(VENDO={"API_KEY": MaskedStr(server.api_key)}):
        assert client().token("gmail") == server.token("gmail")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("text", "dictionary"),
        ({"API_KEY": 5}, "API_KEY"),
        ({"API_KEY": "canary key"}, "white space"),
        ({"BASE_URL": "http://example.com"}, "BASE_URL"),
        ({"TIMEOUT": 0}, "TIMEOUT"),
        ({"TIMEOUT": True}, "TIMEOUT"),
        ({"TIMEOUT": "30"}, "TIMEOUT"),
        ({"TIMEOUT": float("inf")}, "TIMEOUT"),
    ],
)
def test_a_malformed_setting_is_named_and_its_value_not_repeated(setting: Any, words: str) -> None:
    with override_settings(VENDO=setting):
        for make in (client, aclient):
            with pytest.raises(ImproperlyConfigured, match=words) as caught:
                make()
            assert "canary" not in str(caught.value)


def test_a_request_has_its_users_client(vendo_mode: LocalVendo) -> None:
    request = RequestFactory().get("/", headers={"X-Vendo-User-JWT": " user.one.jwt "})

    mine = client(request).token("gmail")

    assert mine == vendo_mode.token("gmail", user="user.one.jwt")
    assert mine != client().token("gmail")
    assert asyncio.run(_atoken("gmail", request)) == mine
    assert client(RequestFactory().get("/")) is client()


def test_a_blank_jwt_or_oss_mode_gives_the_process_client(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = RequestFactory().get("/", headers={"X-Vendo-User-JWT": "  "})
    some = RequestFactory().get("/", headers={"X-Vendo-User-JWT": "user.one.jwt"})

    assert client(blank) is client(some) is client()


async def _atoken(slug: str, request: Any = None) -> str:
    return await aclient(request).token(slug)
