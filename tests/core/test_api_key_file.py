"""`VENDO_API_KEY_FILE` names a file with the API key, which is Vendo mode."""

from __future__ import annotations

import asyncio
import os
import pickle
from typing import TYPE_CHECKING

import pytest

import vendo
from support.shown import texts_of
from vendo import AuthError, ValidationError, Vendo, aio
from vendo.testing import MockClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendo.testing import LocalVendo

VARIABLE = "VENDO_API_KEY_FILE"
OTHER_KEY = "vendo_sk_" + "o" * 32
CANARY = "canary-value-5f2c"


@pytest.fixture
def key_file(vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of the local server's key. A variable has a token of the laptop."""
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "ya29.laptop")
    file = tmp_path / "vendo"
    file.write_text(f"{vendo_mode.api_key}\n")
    monkeypatch.setenv(VARIABLE, str(file))
    return file


def test_key_in_a_file_is_vendo_mode(key_file: Path, server: LocalVendo) -> None:
    assert vendo.is_vendo_mode()
    assert vendo.token("gmail") == server.token("gmail")
    assert vendo.token("gmail") == server.token("gmail")
    assert server.count("credentials") == 1
    assert vendo.deployment.api_key() == server.api_key
    assert vendo.connections.connected_slugs() == ["gmail", "openai", "slack"]
    assert vendo.connect_url("gmail").startswith(server.url)
    assert "Vendo mode" in repr(Vendo())


def test_async_clients_read_the_file(key_file: Path, server: LocalVendo) -> None:
    async def main() -> None:
        assert await aio.token("gmail") == server.token("gmail")
        async with vendo.AsyncVendo() as client:
            assert await client.token("slack") == server.token("slack")

    asyncio.run(main())


def test_file_that_appears_later_selects_vendo_mode(key_file: Path, server: LocalVendo) -> None:
    del os.environ[VARIABLE]
    client = Vendo()
    assert client.token("gmail") == vendo.token("gmail") == "ya29.laptop"
    os.environ[VARIABLE] = str(key_file)
    assert client.token("gmail") == vendo.token("gmail") == server.token("gmail")
    key_file.write_text("")
    assert client.token("gmail") == vendo.token("gmail") == "ya29.laptop"


@pytest.mark.parametrize("key", ["", " \n", "byok\n"])
def test_blank_file_or_placeholder_is_oss_mode(key_file: Path, key: str) -> None:
    key_file.write_text(key)
    assert not vendo.is_vendo_mode()
    assert vendo.token("gmail") == "ya29.laptop"
    assert vendo.deployment.api_key() is None
    with pytest.raises(vendo.VendoOnlyFeature):
        vendo.billing.balance()


def test_changed_key_takes_effect_at_once(key_file: Path, server: LocalVendo) -> None:
    """The size and the times of the file stay as they were."""
    own, before = key_file.read_text(), key_file.stat()
    other = "x" * (len(own) - 1) + "\n"
    for _ in range(3):
        assert vendo.token("gmail") == server.token("gmail")
        key_file.write_text(other)
        os.utime(key_file, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(AuthError):
            vendo.token("gmail")
        assert server.requests[-1].headers["authorization"] == f"Bearer {other.strip()}"
        key_file.write_text(own)


def test_variable_wins_over_the_file(
    key_file: Path, server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file.write_text(OTHER_KEY)
    monkeypatch.setenv("VENDO_API_KEY", server.api_key)
    for content in (OTHER_KEY, f"{CANARY}\n{CANARY}"):
        key_file.write_text(content)
        assert vendo.token("gmail") == server.token("gmail")
    key_file.unlink()
    assert vendo.deployment.api_key() == server.api_key
    assert vendo.token("gmail") == server.token("gmail")


@pytest.mark.parametrize("blank", ["", " ", "\u00a0"])
def test_blank_variable_does_not_win(
    key_file: Path, server: LocalVendo, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", blank)
    assert vendo.token("gmail") == server.token("gmail")
    key_file.write_text("")
    assert vendo.token("gmail") == "ya29.laptop"


CALLS: tuple[Callable[[], object], ...] = (
    lambda: vendo.token("gmail"),
    lambda: vendo.token("gmail", default=None),
    lambda: vendo.tokens(["gmail"]),
    lambda: asyncio.run(aio.token("gmail")),
    lambda: vendo.invalidate("gmail"),
    lambda: vendo.connect_url("gmail"),
    vendo.connections.list,
    vendo.billing.balance,
    lambda: vendo.for_user("a.b.c"),
    vendo.events.subscribe,
    vendo.AsyncVendo,
    vendo.deployment.api_key,
)


@pytest.mark.parametrize("content", [None, f"{CANARY}\n{CANARY}", f"{CANARY}\0"])
def test_broken_file_is_an_error_of_every_call(
    key_file: Path, server: LocalVendo, content: str | None
) -> None:
    """It is Vendo mode: a variable never replaces the credential of a connection."""
    assert vendo.token("gmail") == server.token("gmail")
    requests = len(server.requests)
    if content is None:
        key_file.unlink()
    else:
        key_file.write_text(content)
    assert vendo.is_vendo_mode()
    for call in CALLS:
        with pytest.raises(ValidationError) as caught:
            call()
        assert f"The file of {VARIABLE} ({key_file}) " in caught.value.message
        assert caught.value.suggested_fix
        assert not [text for text in texts_of(caught.value) if CANARY in text]
    [problem] = vendo.Vendo().check(["gmail"]).problems
    assert VARIABLE in problem
    assert len(server.requests) == requests
    key_file.write_text(server.api_key)
    assert vendo.token("gmail") == server.token("gmail")


@pytest.mark.parametrize("key", [f"{CANARY} {CANARY}", f"{CANARY}ü"])
def test_malformed_key_in_a_file_is_the_error_of_a_malformed_key(
    key_file: Path, server: LocalVendo, key: str
) -> None:
    key_file.write_text(key)
    assert vendo.is_vendo_mode()
    with pytest.raises(AuthError) as caught:
        vendo.token("gmail")
    assert caught.value.message.startswith(f"The API key in the file of {VARIABLE} contains white")
    assert str(caught.value.suggested_fix).startswith(
        "Write into the file the key alone: vendo_sk_"
    )
    assert not [text for text in texts_of(caught.value) if CANARY in text]
    assert not server.requests


def test_override_works_without_a_readable_key(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file.unlink()
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "mine")
    assert vendo.token("gmail") == "mine"


def test_client_with_a_key_of_its_own_does_not_read_the_file(
    key_file: Path, server: LocalVendo
) -> None:
    key_file.unlink()
    client = server.client()
    assert client.token("gmail") == server.token("gmail")
    assert Vendo("byok").token("gmail") == "ya29.laptop"
    assert MockClient(tokens={"gmail": "mock"}).token("gmail") == "mock"


def test_unpickled_client_reads_the_file(key_file: Path, server: LocalVendo) -> None:
    client = pickle.loads(pickle.dumps(Vendo(server.api_key)))
    assert client.token("gmail") == server.token("gmail")


def test_hint_names_the_variable_with_the_file(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTION_TOKEN_FILE", str(tmp_path / "notion"))  # it is not read
    with pytest.raises(vendo.NotConnected, match="NOTION_TOKEN_FILE is set, but not used"):
        vendo.token("notion")
