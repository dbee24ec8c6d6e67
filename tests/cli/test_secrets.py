"""No command prints a secret, except for `token`, `run`, `connect` and `connect-url`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.command import SECONDS, read_until, stop

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo

#: Commands that send a request to the backend.
ONLINE = [
    ["doctor"],
    ["doctor", "--json"],
    ["token", "notion"],
    ["connect", "gmail"],
    ["run", "--slug", "notion", "--", "true"],
    ["run", "--slug", "gmail", "--", "no-such-command"],
]
#: Commands that do not.
OFFLINE = [
    ["catalog"],
    ["catalog", "openai", "--json"],
    ["catalog", "nosuch"],
    ["token", "slack"],
    ["connect", "a b"],
    ["connect-url", "a b"],
    ["demo"],
    ["--help"],
    ["nosuch"],
]
#: Responses of a broken or hostile backend. `{key}` is the API key of the request.
RESPONSES: dict[str, dict[str, Any]] = {
    "success": {},
    "revoked": {"code": "app_revoked"},
    "failing": {"status": 500, "body": {"error": {"message": "canary-{key}"}}},
    "rejected": {"status": 401, "body": {"error": "canary-{key}", "detail": "{key}"}},
    "redirect": {"redirect": "https://elsewhere.example.com/?key={key}"},
    "reset": {"reset": True},
    "page": {"html": True},
}


@pytest.fixture
def full_of_secrets(deployed: Shell, server: LocalVendo) -> Shell:
    """Return a shell with a secret in every variable and file that may hold one."""
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


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("line", ONLINE, ids=" ".join)
def test_online_commands_print_no_secret(
    full_of_secrets: Shell, server: LocalVendo, line: list[str], response: str
) -> None:
    fault = {name: _with_key(value, server.api_key) for name, value in RESPONSES[response].items()}
    if fault:
        server.fail("any", times=None, **fault)
    _check(full_of_secrets, server, line)
    assert server.requests


@pytest.mark.parametrize("line", OFFLINE, ids=" ".join)
def test_offline_commands_print_no_secret(
    full_of_secrets: Shell, server: LocalVendo, line: list[str]
) -> None:
    _check(full_of_secrets, server, line)
    assert not server.requests


def _check(shell: Shell, server: LocalVendo, line: list[str]) -> None:
    secrets = ["canary-conventional", "canary-two", "canary-lines", "canary-override"]
    secrets += ["override", "canary-proxy", "canary-telegram", "canary-flask", "canary-pytest"]
    secrets += ["canary-database", "canary-file"]
    secrets += [server.api_key, server.webhook_secret, server.token("gmail"), server.token("slack")]
    done = shell.vendo(*line)
    printed = [secret for secret in secrets if secret in done.stdout + done.stderr]
    assert not printed, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_events_check(full_of_secrets: Shell, server: LocalVendo) -> None:
    with full_of_secrets.start("events") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        server.rotate("gmail")
        first = read_until(process, "\n")
        _, out, err = stop(process)

    assert "connection.changed" in first
    for secret in ("canary", server.api_key, server.token("gmail")):
        assert secret not in first + out + err


def test_serve_prints_only_the_secrets_of_its_own_server(
    full_of_secrets: Shell, server: LocalVendo
) -> None:
    with full_of_secrets.start("serve", "--json") as process:
        text = read_until(process, "^}$")
        _, _, err = stop(process)

    for secret in ("canary", server.api_key, server.webhook_secret):
        assert secret not in text + err


def _with_key(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _with_key(inner, key) for name, inner in value.items()}
    return value.replace("{key}", key) if isinstance(value, str) else value
