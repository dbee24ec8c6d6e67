"""What adapters ask about a provider and its token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest

import vendo
from vendo import web
from vendo.testing import LocalVendo, MockClient

if TYPE_CHECKING:
    from pathlib import Path


def test_a_provider_has_a_display_name_and_an_unknown_one_its_slug() -> None:
    assert web.provider_name("Gmail") == "Gmail"
    assert web.provider_name("openai") == "OpenAI"
    assert web.provider_name("in-house") == "in-house"


def test_a_base_url_comes_from_the_environment_or_else_from_the_catalog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert web.provider_base_url("Gmail") == "https://gmail.googleapis.com"
    assert web.provider_base_url("in-house") is None
    local = vendo.Vendo(base_url="http://localhost:8000")
    assert web.provider_base_url("gmail", client=local) == "http://localhost:8000/providers/gmail"
    monkeypatch.setenv("GMAIL_BASE_URL", "http://127.0.0.1:8000/gmail/")
    assert web.provider_base_url("gmail") == "http://127.0.0.1:8000/gmail"
    monkeypatch.setenv("GMAIL_BASE_URL", "gmail.example.com")
    with pytest.raises(vendo.ValidationError, match="GMAIL_BASE_URL"):
        web.provider_base_url("gmail")


def test_only_a_token_that_came_from_vendo_expires(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connections = {"gmail": {}, "openai": {"token": "sk-fixed", "lifetime": None}}
    with LocalVendo(connections=connections) as server, server.client() as client:
        assert not web.token_expires("gmail", client)  # nothing is cached yet
        client.tokens(["gmail", "openai"])

        assert web.token_expires("Gmail", client)
        assert not web.token_expires("openai", client)
        assert not web.token_expires("gmail")  # the default client has no key
        file = tmp_path / "gmail"
        monkeypatch.setenv("VENDO_TOKEN_GMAIL_FILE", str(file))
        file.touch()  # which counts as not set
        assert web.token_expires("gmail", client)
        file.write_text("mine")
        assert not web.token_expires("gmail", client)
        monkeypatch.delenv("VENDO_TOKEN_GMAIL_FILE")
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", "mine")
        assert not web.token_expires("gmail", client)


def test_token_of_a_file_is_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with vendo.Vendo("vendo_sk_" + "k" * 32) as client:
        file = tmp_path / "gmail"
        monkeypatch.setenv("VENDO_TOKEN_GMAIL_FILE", str(file))
        assert web.is_local("gmail", client)  # without the file it is an error, and no request
        file.touch()
        assert not web.is_local("gmail", client)
        file.write_text("mine")
        assert web.is_local("gmail", client)


class _Hanging:
    """A transport to a backend that never responds. It notes how long a request may take."""

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def send(self, request: Any) -> Any:
        self.timeouts.append(request.timeout)
        raise vendo.UpstreamTimeout("upstream_error", "No response.")

    def close(self) -> None: ...


@pytest.mark.parametrize(("timeout", "limit"), [(30.0, 5.0), (2.0, 2.0)])
def test_a_page_waits_five_seconds_for_its_status(timeout: float, limit: float) -> None:
    transport = _Hanging()
    once = vendo.RetryPolicy(1)
    client = vendo.Vendo("vendo_sk_canary", timeout=timeout, retry=once, transport=transport)
    with pytest.raises(vendo.UpstreamTimeout):
        web.connected_slugs(client)
    assert limit - 1 < transport.timeouts[0] <= limit
    with pytest.raises(vendo.UpstreamTimeout):
        client.connections.connected_slugs()
    assert timeout - 1 < transport.timeouts[1] <= timeout  # the client is as it was


def test_the_connected_slugs_of_mocks() -> None:
    assert web.connected_slugs(MockClient({"gmail": "g-test"})) == {"gmail"}
    mock = create_autospec(vendo.Vendo, instance=True)
    mock.connections.connected_slugs.return_value = ["openai"]
    assert web.connected_slugs(mock) == {"openai"}
