"""`manage.py vendo`: what there is to know, on a page or as JSON, and never a secret."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

if TYPE_CHECKING:
    from vendo.testing import LocalVendo


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("vendo", *arguments, stdout=out)
    return out.getvalue()


def failing(*arguments: str) -> tuple[str, CommandError]:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("vendo", *arguments, stdout=out)
    return out.getvalue(), caught.value


def test_doctor_tells_mode_and_credentials_of_a_project_without_vendo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")

    page = run("doctor")

    assert "OSS mode" in page
    assert "OPENAI_API_KEY" in page
    assert "Nothing is wrong with the project's settings." in page
    assert "canary" not in page


def test_doctor_goes_by_the_projects_key(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_CREDENTIALS_URL", server.credentials_url)
    monkeypatch.setenv("VENDO_DATA_PROXY_URL", server.data_proxy_url)
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")
    with override_settings(VENDO={"API_KEY": server.api_key, "BASE_URL": server.url}):
        facts = json.loads(run("doctor", "--json"))

    assert facts["mode"] == "vendo"
    assert {row["slug"] for row in facts["connections"]} == {"gmail", "openai"}
    assert facts["checks"] == []
    assert server.api_key not in json.dumps(facts)


def test_doctor_fails_where_a_check_does_and_tells_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with override_settings(VENDO={"REQUIRED": ["openai"], "TIMEOUT": "canary"}):
        page, error = failing("doctor")
        facts, _ = failing("doctor", "--json")

    assert "vendo.E002" in page
    assert "vendo.W002" in page
    assert "canary" not in page
    assert error.returncode == 1
    assert {check["id"] for check in json.loads(facts)["checks"]} >= {"vendo.E002", "vendo.W002"}


def test_doctor_fails_where_the_backend_does(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()

    page, _ = failing("doctor", "--timeout", "5")

    assert "problem:" in page
    assert vendo_mode.api_key not in page


def test_catalog_lists_providers_or_one_of_them() -> None:
    assert "OPENAI_API_KEY" in run("catalog")
    assert "openai" in {row["slug"] for row in json.loads(run("catalog", "--json"))}
    assert json.loads(run("catalog", "slack", "--json"))["env_vars"][0] == "SLACK_BOT_TOKEN"
    _, error = failing("catalog", "opnai")
    assert "opnai" in str(error)


def test_connections_tell_their_status(vendo_mode: LocalVendo) -> None:
    vendo_mode.set_status("gmail", "needs_reauth")

    assert run("connections").splitlines() == ["gmail   needs_reauth", "openai  connected"]
    rows = json.loads(run("connections", "--json"))
    assert [(row["slug"], row["status"]) for row in rows] == [
        ("gmail", "needs_reauth"),
        ("openai", "connected"),
    ]
    assert "sk-openai" not in json.dumps(rows)


def test_connections_of_a_project_that_has_none() -> None:
    assert run("connections") == "Nothing is connected.\n"


def test_a_failure_is_told_with_what_to_do(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()
    _, error = failing("connections")
    assert vendo_mode.api_key not in str(error)

    setting: dict[str, Any] = {"API_KEY": "canary key"}
    with override_settings(VENDO=setting):
        _, error = failing("connections")
    assert "API key" in str(error)
    assert "canary" not in str(error)


def test_a_malformed_command_line_is_refused() -> None:
    failing("nonsense")
    failing("doctor", "--timeout", "-1")
