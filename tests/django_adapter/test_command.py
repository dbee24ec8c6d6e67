"""`manage.py vendo`: its reports as text and as JSON, without secrets."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from vendo.testing import MockClient

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


def test_doctor_reports_mode_and_credentials_in_oss_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")

    page = run("doctor")

    assert "OSS mode" in page
    assert "OPENAI_API_KEY" in page
    assert page.endswith("\n\nNo problems found.\n")
    assert "manage.py vendo doctor" not in page  # it runs now
    assert "canary" not in page


def test_doctor_uses_the_projects_key(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_CREDENTIALS_URL", server.credentials_url)
    monkeypatch.setenv("VENDO_DATA_PROXY_URL", server.data_proxy_url)
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")
    setting = {"API_KEY": server.api_key, "BASE_URL": server.url}
    with override_settings(VENDO={**setting, "CONNECT_PERMISSION": "auth.add_user"}):
        report = json.loads(run("doctor", "--json"))

    assert (report["mode"], report["reason"]) == ("vendo", "VENDO['API_KEY'] is set")
    assert report["addresses"][0]["source"] == "VENDO['BASE_URL']"
    assert {row["slug"] for row in report["connections"]} == {"gmail", "openai"}
    assert report["checks"] == []
    assert server.api_key not in json.dumps(report)


def test_doctor_fails_if_a_check_fails_and_lists_all_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with override_settings(VENDO={"REQUIRED": ["openai"], "TIMEOUT": "canary"}):
        page, error = failing("doctor")
        report, _ = failing("doctor", "--json")

    assert "vendo.E002" in page
    assert "vendo.W002" in page
    assert "canary" not in page
    assert error.returncode == 1
    assert {check["id"] for check in json.loads(report)["checks"]} >= {"vendo.E002", "vendo.W002"}


def test_doctor_asks_vendo_for_what_is_required(vendo_mode: LocalVendo) -> None:
    with override_settings(VENDO={"REQUIRED": ["gmail", "stripe"]}):
        page, _ = failing("doctor")
    assert "(vendo.E004) VENDO['REQUIRED'] names 'stripe'." in page
    assert "'gmail'" not in page


def test_doctor_does_not_advise_itself_and_says_that_a_client_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BASE", "CREDENTIALS", "DATA_PROXY"):
        monkeypatch.setenv(f"VENDO_{name}_URL", "http://127.0.0.1:1")
    with override_settings(VENDO={"API_KEY": "vendo_sk_canary", "CLIENT": MockClient()}):
        page, _ = failing("doctor", "--timeout", "2")
    assert "cannot be reached" in page
    assert "Run python -m vendo doctor" not in page
    assert "VENDO['CLIENT'] takes the place of the project's client" in page


def test_doctor_fails_if_the_backend_fails(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()

    page, _ = failing("doctor", "--timeout", "5")

    assert "problem:" in page
    assert vendo_mode.api_key not in page


def test_catalog_lists_providers_or_one_of_them() -> None:
    assert "OPENAI_API_KEY" in run("catalog")
    assert "openai" in {row["slug"] for row in json.loads(run("catalog", "--json"))}
    assert json.loads(run("catalog", "slack", "--json"))["env_vars"][0] == "SLACK_BOT_TOKEN"
    _, error = failing("catalog", "opnai")
    assert "Did you mean 'openai'?" in str(error)


def test_connections_shows_each_status(vendo_mode: LocalVendo) -> None:
    vendo_mode.set_status("gmail", "needs_reauth")

    assert run("connections").splitlines() == ["gmail   needs_reauth", "openai  connected"]
    rows = json.loads(run("connections", "--json"))
    assert [(row["slug"], row["status"]) for row in rows] == [
        ("gmail", "needs_reauth"),
        ("openai", "connected"),
    ]
    assert "sk-openai" not in json.dumps(rows)


def test_connections_of_a_project_without_any() -> None:
    assert run("connections") == "Nothing is connected.\n"


def test_a_failure_is_printed_with_its_fix(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()
    _, error = failing("connections")
    assert vendo_mode.api_key not in str(error)

    setting: dict[str, Any] = {"API_KEY": "canary key"}
    with override_settings(VENDO=setting):
        _, error = failing("connections")
    assert "API key" in str(error)
    assert "canary" not in str(error)


def test_a_malformed_command_line_is_a_usage_error() -> None:
    failing("nonsense")
    failing("doctor", "--timeout", "-1")


def test_one_option_of_a_wrong_type_hides_no_other() -> None:
    with override_settings(VENDO={"API_KEY": "vendo_sk_canary", "TIMEOUT": "canary"}):
        page, _ = failing("doctor")
    assert "VENDO['API_KEY'] is set" in page
    assert "OSS mode" not in page
    assert "canary" not in page


def manage(server: LocalVendo, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", "vendo", *arguments],
        env={
            **os.environ,
            **server.environment(),
            "DJANGO_SETTINGS_MODULE": "django_adapter.project_settings",
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "SITE_DATABASE": ":memory:",
            "VENDO_TOKEN_SITE_SECRET": "canary",
            "PYTHONIOENCODING": how.get("encoding", "utf-8"),
        },
        **{"stdout": subprocess.PIPE, **how},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii"])
def test_what_a_terminal_cannot_show_is_escaped(server: LocalVendo, encoding: str) -> None:
    rows = [{"slug": slug, "status": "connected", "display_name": "…"} for slug in ("\ud800", "…")]
    server.fail("api", 200, body=json.dumps({"connections": rows}), times=None)

    report = manage(server, "doctor", encoding=encoding)
    lines = manage(server, "connections", encoding=encoding)

    assert "Traceback" not in report.stderr + lines.stderr
    assert "\\u2026  connected" in report.stdout
    assert lines.stdout == "   connected\n\\u2026  connected\n"


def test_output_that_cannot_be_written_is_an_error(server: LocalVendo) -> None:
    with Path("/dev/full").open("w") as full:
        done = manage(server, "connections", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "CommandError: No space left on device.\n"
