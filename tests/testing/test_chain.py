"""The functions for plugins of test frameworks."""

from __future__ import annotations

import pytest

import vendo
from vendo.testing import (
    LocalVendo,
    catalog_slugs,
    credential_variables,
    forget_tokens,
    override_variable,
)


def test_override_variable_is_the_variable_that_the_chain_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert override_variable("My-Tool") == "VENDO_TOKEN_MY_TOOL"
    monkeypatch.setenv(override_variable("My-Tool"), "x")
    assert vendo.token("my-tool") == "x"
    with pytest.raises(vendo.ValidationError):
        override_variable("no slug")


def test_credential_variables_are_primaries_alternatives_and_companions() -> None:
    assert {
        "OPENAI_API_KEY",
        "NOTION_API_TOKEN",
        "SLACK_SIGNING_SECRET",
        "OPENAI_API_KEY_FILE",
        "NOTION_API_TOKEN_FILE",
    } <= credential_variables()
    assert not any(name.startswith("VENDO_") for name in credential_variables())
    assert {"openai", "notion", "slack"} <= set(catalog_slugs())


def test_forgotten_tokens_are_fetched_again(server: LocalVendo) -> None:
    client = server.client()
    client.token("gmail")
    server.connect("gmail", token="another")
    assert client.token("gmail") != "another"
    forget_tokens()
    assert client.token("gmail") == "another"
