"""No command shows a secret but `token`, `run` and `connect-url`, which are there to do so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.command import SECONDS, stop

if TYPE_CHECKING:
    from cli.command import Person
    from vendo.testing import LocalVendo

#: Commands that send the backend a request.
ONLINE = [
    ["doctor"],
    ["doctor", "--json"],
    ["token", "notion"],
    ["run", "--slug", "notion", "--", "true"],
    ["run", "--slug", "gmail", "--", "no-such-command"],
]
#: Commands that send it none.
OFFLINE = [
    ["catalog"],
    ["catalog", "openai", "--json"],
    ["catalog", "nosuch"],
    ["token", "slack"],
    ["connect-url", "a b"],
    ["demo"],
    ["--help"],
    ["nosuch"],
]
#: What a broken backend, or one that is none, says back; `{key}` is the key that it was sent.
ANSWERS: dict[str, dict[str, Any]] = {
    "right": {},
    "refused": {"code": "app_revoked"},
    "failing": {"status": 500, "body": {"error": {"message": "canary-{key}"}}},
    "refusing": {"status": 401, "body": {"error": "canary-{key}", "detail": "{key}"}},
    "elsewhere": {"redirect": "https://elsewhere.example.com/?key={key}"},
    "none": {"reset": True},
    "page": {"html": True},
}


@pytest.fixture
def secretive(deployed: Person, server: LocalVendo) -> Person:
    """Somebody who has a secret in every place that has room for one."""
    deployed.env.update(
        OPENAI_API_KEY="canary-conventional",
        GITHUB_TOKEN="canary-two\ncanary-lines",
        VENDO_TOKEN_OPENAI="canary-override",
        VENDO_TOKEN_SLACK="canary\x07override",
        HTTPS_PROXY="http://me:canary-proxy@127.0.0.1:9",
        TELEGRAM_BASE_URL="https://telegram.example.com/botcanary-telegram",
        FLASK_APP="shop:make('canary-flask')",
        PYTEST_ADDOPTS="-o vendo_tokens=openai=canary-pytest",
        DATABASE_URL="postgresql://me:canary-database@127.0.0.1/shop",
    )
    (deployed.folder / ".env").write_text("STRIPE_API_KEY=canary-file\nSTRIPE_SECRET_KEY=canary\n")
    return deployed


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("line", ONLINE, ids=" ".join)
def test_no_command_shows_one_whatever_the_backend_answers(
    secretive: Person, server: LocalVendo, line: list[str], answer: str
) -> None:
    fault = {name: _with_key(value, server.api_key) for name, value in ANSWERS[answer].items()}
    if fault:
        server.fail("any", times=None, **fault)
    _shows_none(secretive, server, line)
    assert server.requests


@pytest.mark.parametrize("line", OFFLINE, ids=" ".join)
def test_no_command_without_a_request_shows_one(
    secretive: Person, server: LocalVendo, line: list[str]
) -> None:
    _shows_none(secretive, server, line)
    assert not server.requests


def _shows_none(person: Person, server: LocalVendo, line: list[str]) -> None:
    secrets = ["canary-conventional", "canary-two", "canary-lines", "canary-override"]
    secrets += ["override", "canary-proxy", "canary-telegram", "canary-flask", "canary-pytest"]
    secrets += ["canary-database", "canary-file"]
    secrets += [server.api_key, server.webhook_secret, server.token("gmail"), server.token("slack")]
    done = person.vendo(*line)
    shown = [secret for secret in secrets if secret in done.stdout + done.stderr]
    assert not shown, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_events_shows_none(secretive: Person, server: LocalVendo) -> None:
    with secretive.start("events") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        server.rotate("gmail")
        assert process.stdout
        first = process.stdout.readline()
        _, out, err = stop(process)

    assert "connection.changed" in first
    for secret in ("canary", server.api_key, server.token("gmail")):
        assert secret not in first + out + err


def test_serve_shows_those_of_its_own_server_alone(secretive: Person, server: LocalVendo) -> None:
    with secretive.start("serve", "--json") as process:
        assert process.stdout
        text = ""
        while not text.endswith("\n}\n"):
            text += process.stdout.readline()
        _, _, err = stop(process)

    for secret in ("canary", server.api_key, server.webhook_secret):
        assert secret not in text + err


def _with_key(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _with_key(inner, key) for name, inner in value.items()}
    return value.replace("{key}", key) if isinstance(value, str) else value
