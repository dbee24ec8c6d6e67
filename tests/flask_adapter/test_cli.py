"""`flask vendo`: its reports as text and as JSON, without secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cachelib import NullCache, RedisCache, SimpleCache

from flask_adapter.site import make_app
from flask_adapter.test_clients import MALFORMED

if TYPE_CHECKING:
    from flask import Flask

    from vendo.testing import LocalVendo


_ADDRESSES = ("BASE", "CREDENTIALS", "DATA_PROXY")


def run(app: Flask, *arguments: str, status: int = 0) -> str:
    """Run a command, and return its output."""
    result = app.test_cli_runner().invoke(args=["vendo", *arguments])
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result.output


def test_doctor_reports_mode_and_credentials_in_oss_mode(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")

    page = run(app, "doctor")

    assert "OSS mode" in page
    assert "OPENAI_API_KEY" in page
    assert page.endswith("\n\nNo problems found.\n")
    assert "flask vendo doctor" not in page  # it runs now
    assert "canary" not in page


@pytest.mark.redis
def test_doctor_uses_the_applications_key(server: LocalVendo, redis_port: int) -> None:
    redis = f"redis://127.0.0.1:{redis_port}/0"
    app = make_app(server.environment(), VENDO_REQUIRED=["gmail"], VENDO_REDIS_URL=redis)
    report = json.loads(run(app, "doctor", "--json"))

    assert (report["mode"], report["reason"]) == ("vendo", 'app.config["VENDO_API_KEY"] is set')
    sources = {row["source"] for row in report["addresses"]}
    assert sources == {f'app.config["VENDO_{name}_URL"]' for name in _ADDRESSES}
    assert {row["slug"] for row in report["connections"]} == {"gmail", "openai"}
    assert report["checks"] == []
    assert server.api_key not in json.dumps(report)


def test_doctor_reports_problems_after_the_start(app: Flask) -> None:
    app.config.update(VENDO_TIMEOUTS="canary", VENDO_REQUIRED=["openai"], VENDO_TIMEOUT=-1)
    report = json.loads(run(app, "doctor", "--json", status=1))
    assert ["VENDO_TIMEOUTS" in check["text"] for check in report["checks"]] == [True, False, False]
    app.config["VENDO_TIMEOUT"] = 1

    page = run(app, "doctor", status=1)
    report = json.loads(run(app, "doctor", "--json", status=1))

    assert "VENDO_TIMEOUT?" in page
    assert "OPENAI_API_KEY" in page
    assert "The webhook view has no secret" in page
    assert "canary" not in page
    assert [check["is_wrong"] for check in report["checks"]] == [True, True, False]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"VENDO_WEBHOOK_SECRETS": []}, "webhook view has no secret"),
        ({"VENDO_WEBHOOK_SECRETS": "canary"}, "No problems found."),
        ({"VENDO_WEBHOOK_SECRETS": ["  "]}, "VENDO_WEBHOOK_SECRETS"),
        ({"VENDO_API_KEY": "canary key"}, "white space"),
    ],
)
def test_doctor_checks_each_option(app: Flask, config: dict[str, Any], words: str) -> None:
    app.config.update(config)
    page = app.test_cli_runner().invoke(args=["vendo", "doctor"]).output
    assert words in page
    assert "canary" not in page


def test_doctor_lists_all_malformed_options_and_shows_nothing_in_their_place(
    app: Flask, vendo_mode: LocalVendo
) -> None:
    vendo_mode.clear_requests()
    app.config.update(MALFORMED, VENDO_DATA_PROXY_URL="https://proxy.example.com")
    report = json.loads(run(app, "doctor", "--json", status=1))

    texts = "".join(check["text"] for check in report["checks"])
    malformed = {*MALFORMED} - {"VENDO_DATA_PROXY_URL"}
    assert [name for name in malformed if name not in texts] == []
    assert len({check["text"] for check in report["checks"]}) == len(report["checks"])
    assert [(row["url"], row["source"]) for row in report["addresses"]] == [
        ("https://proxy.example.com", 'app.config["VENDO_DATA_PROXY_URL"]')
    ]
    assert (report["mode"], report["reason"]) == ("vendo", 'app.config["VENDO_API_KEY"] is set')
    assert vendo_mode.requests == []
    assert "canary" not in json.dumps(report)
    app.config["VENDO_TIMEOUT"] = app.config["VENDO_BASE_URL"] = None
    app.config["VENDO_CREDENTIALS_URL"] = None


@pytest.mark.parametrize("timeout", ["x", {}, -1])
def test_doctor_uses_the_other_options_beside_a_malformed_timeout(
    server: LocalVendo, timeout: Any
) -> None:
    app = make_app(server.environment())
    app.config["VENDO_TIMEOUT"] = timeout
    report = json.loads(run(app, "doctor", "--json", status=1))
    assert (report["mode"], report["reason"]) == ("vendo", 'app.config["VENDO_API_KEY"] is set')
    assert {row["slug"] for row in report["connections"]} == {"gmail", "openai"}
    assert "VENDO_TIMEOUT" in report["checks"][0]["text"]


@pytest.mark.parametrize("value", ["canary", 5])
def test_doctor_does_not_use_the_environments_key_in_place_of_a_malformed_one(
    vendo_mode: LocalVendo, app: Flask, value: Any
) -> None:
    app.config["VENDO_API_KEY"] = [value]
    vendo_mode.clear_requests()
    report = json.loads(run(app, "doctor", "--json", status=1))
    assert (report["mode"], report["reason"]) == ("vendo", 'app.config["VENDO_API_KEY"] is set')
    assert vendo_mode.requests == []


def test_doctor_reports_a_connect_view_that_is_closed_and_a_store_of_each_process(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")
    closed = make_app(server.environment(), may_connect=None)
    texts = run(closed, "doctor")
    assert "The connect view is closed" in texts
    assert "blueprint(may_connect=" in texts
    assert "VENDO_REDIS_URL" in texts
    monkeypatch.setenv("VENDO_AUTH", "1")
    assert "connect view" not in run(closed, "doctor")
    for cache, is_shared in ((RedisCache(), True), (SimpleCache(), False), (NullCache(), False)):
        texts = run(make_app(server.environment(), cache=cache), "doctor")
        assert ("VENDO_REDIS_URL" not in texts) is is_shared


@pytest.mark.usefixtures("proxy")
def test_doctor_reports_an_identity_view_at_another_path() -> None:
    app = make_app(views=False)
    from vendo_flask import blueprint

    app.register_blueprint(blueprint(), url_prefix="/elsewhere")
    assert "/api/vendo/identity" in run(app, "doctor")
    assert "identity view" not in run(make_app(), "doctor")
    assert "note:" not in run(make_app(views=False), "doctor")


def test_doctor_fails_if_the_backend_fails(vendo_mode: LocalVendo, app: Flask) -> None:
    app.config["VENDO_REQUIRED"] = ["gmail"]
    vendo_mode.revoke_key()

    page = run(app, "doctor", "--timeout", "5", status=1)

    assert "problem:" in page
    assert vendo_mode.api_key not in page


def test_catalog_lists_providers_or_one_of_them(app: Flask) -> None:
    assert "OPENAI_API_KEY" in run(app, "catalog")
    assert "openai" in {row["slug"] for row in json.loads(run(app, "catalog", "--json"))}
    assert json.loads(run(app, "catalog", "slack", "--json"))["env_vars"][0] == "SLACK_BOT_TOKEN"
    assert "Did you mean 'openai'?" in run(app, "catalog", "opnai", status=1)
    run(app, "catalog", "no slug!", status=2)


def test_connections_shows_each_status(vendo_mode: LocalVendo, app: Flask) -> None:
    vendo_mode.set_status("gmail", "needs_reauth")

    assert run(app, "connections").splitlines() == ["gmail   needs_reauth", "openai  connected"]
    rows = json.loads(run(app, "connections", "--json"))
    assert [(row["slug"], row["status"]) for row in rows] == [
        ("gmail", "needs_reauth"),
        ("openai", "connected"),
    ]
    assert "sk-openai" not in json.dumps(rows)


def test_connections_of_an_application_without_any(app: Flask) -> None:
    assert run(app, "connections") == "Nothing is connected.\n"


def test_token_prints_the_token_of_this_application_and_nothing_else(server: LocalVendo) -> None:
    assert run(make_app(server.environment()), "token", "openai") == "sk-openai\n"


def test_a_failure_is_printed_with_its_fix(vendo_mode: LocalVendo, app: Flask) -> None:
    assert "slack" in run(app, "token", "slack", status=1)
    vendo_mode.revoke_key()
    assert vendo_mode.api_key not in run(app, "connections", status=1)
    app.config["VENDO_API_KEY"] = "canary key"
    message = run(app, "connections", status=1)
    assert "API key" in message
    assert "canary" not in message


def test_a_malformed_command_line_is_a_usage_error(app: Flask) -> None:
    run(app, "nonsense", status=2)
    run(app, "doctor", "--timeout", "-1", status=2)
    run(app, "token", status=2)


def flask_vendo(
    server: LocalVendo, *arguments: str, shell: str = 'exec "$@"', **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `flask vendo` as a process of its own, below a line of a shell."""
    program = [sys.executable, "-m", "flask", "--app", "flask_adapter.site:make_app", "vendo"]
    return subprocess.run(
        ["sh", "-c", shell, "sh", *program, *arguments],
        env={
            **os.environ,
            **server.environment(),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **environment,
        },
        capture_output=True,
        encoding=environment.get("PYTHONIOENCODING"),
        text=True,
    )


def test_the_flask_command_line_has_it(server: LocalVendo) -> None:
    done = flask_vendo(server, "token", "openai")
    assert (done.stdout, done.stderr, done.returncode) == ("sk-openai\n", "", 0)


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii"])
def test_what_a_terminal_cannot_show_is_escaped(server: LocalVendo, encoding: str) -> None:
    rows = [{"slug": slug, "status": "connected", "display_name": "…"} for slug in ("\ud800", "…")]
    server.fail("api", 200, body=json.dumps({"connections": rows}), times=None)

    report = flask_vendo(server, "doctor", PYTHONIOENCODING=encoding)
    lines = flask_vendo(server, "connections", PYTHONIOENCODING=encoding)

    assert "Traceback" not in report.stderr + lines.stderr
    assert "\\u2026  connected" in report.stdout
    assert lines.stdout == "   connected\n\\u2026  connected\n"


@pytest.mark.parametrize("command", [("doctor",), ("token", "openai"), ("connections", "--json")])
def test_output_that_cannot_be_written_is_an_error(
    server: LocalVendo, command: tuple[str, ...]
) -> None:
    closed = flask_vendo(server, *command, shell='exec "$@" >&-')
    full = flask_vendo(server, *command, shell='exec "$@" >/dev/full')

    assert (closed.returncode, closed.stderr) == (1, "Error: Standard output is closed.\n")
    assert (full.returncode, full.stderr) == (1, "Error: No space left on device.\n")
