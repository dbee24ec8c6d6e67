"""`token`: a token and nothing else, or an error with a fix."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.command import LINE, problems

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo


def test_token_prints_the_variable(shell: Shell) -> None:
    shell.env["OPENAI_API_KEY"] = " sk-mine "

    done = shell.vendo("token", "OpenAI")

    assert (done.returncode, done.stdout, done.stderr) == (0, "sk-mine\n", "")


def test_token_in_vendo_mode_comes_from_the_worker(deployed: Shell, server: LocalVendo) -> None:
    done = deployed.vendo("token", "gmail")

    assert (done.returncode, done.stdout) == (0, f"{server.token('gmail')}\n")


def test_token_has_the_bytes_of_the_environment(shell: Shell) -> None:
    shell.env.update(VENDO_TOKEN_TOOL="caf\u00e9", PYTHONIOENCODING="ascii")

    done = shell.vendo("token", "tool", text=False)

    assert done.stdout == os.fsencode("caf\u00e9\n")


def test_missing_token_names_the_variable_to_set(shell: Shell) -> None:
    done = shell.vendo("token", "openai")

    assert (done.returncode, done.stdout) == (1, "")
    assert "OPENAI_API_KEY is not set" in done.stderr
    assert "fix: Set OPENAI_API_KEY to the credential" in done.stderr
    assert "connect-url" not in done.stderr  # OSS mode has no link


def test_misspelled_slug_gets_a_suggestion(shell: Shell) -> None:
    done = shell.vendo("token", "opnai")

    assert done.returncode == 1
    assert "Did you mean 'openai'?" in done.stderr


def test_provider_that_is_not_connected_names_the_connect_command(deployed: Shell) -> None:
    done = deployed.vendo("token", "notion")

    assert (done.returncode, done.stdout) == (1, "")
    assert "fix: python -m vendo connect-url notion\n" in done.stderr


def test_connection_that_needs_reauth_names_the_connect_command(
    deployed: Shell, server: LocalVendo
) -> None:
    server.set_status("gmail", "needs_reauth")

    done = deployed.vendo("token", "gmail")

    assert done.returncode == 1
    assert "fix: python -m vendo connect-url gmail\n" in done.stderr


def test_invalid_slug_is_a_usage_error(shell: Shell) -> None:
    done = shell.vendo("token", "open ai")

    assert (done.returncode, done.stdout) == (2, "")
    assert "error: A slug is " in done.stderr


def _failure(shell: Shell) -> tuple[str, str]:
    done = shell.vendo("token", "gmail")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    (found,) = problems(done.stderr).items()
    return found


def test_variable_with_two_lines_is_named_and_not_quoted(shell: Shell) -> None:
    shell.env["GMAIL_ACCESS_TOKEN"] = "first-canary\nsecond-canary"

    error, fix = _failure(shell)

    assert "GMAIL_ACCESS_TOKEN" in error
    assert "GMAIL_ACCESS_TOKEN" in fix
    assert "on one line" in fix
    assert "canary" not in error + fix


def test_api_key_with_line_break_is_not_sent(deployed: Shell, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = f"{server.api_key[:20]}\n{server.api_key[20:]}"

    error, fix = _failure(deployed)

    assert "VENDO_API_KEY" in error
    assert fix
    assert server.api_key[20:] not in error + fix
    assert not server.requests


@pytest.mark.parametrize("code", ["app_unknown", "app_revoked", "app_expired"])
def test_rejected_api_key_has_a_fix(deployed: Shell, server: LocalVendo, code: str) -> None:
    server.revoke_key(code)

    error, fix = _failure(deployed)

    assert "key" in error.lower()
    assert "dashboard" in fix or "VENDO_API_KEY" in fix


def test_unreachable_backend_has_a_fix(deployed: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        deployed.env["VENDO_CREDENTIALS_URL"] = f"http://127.0.0.1:{taken.getsockname()[1]}"

        error, fix = _failure(deployed)

    assert "could not be reached" in error or "connect" in error.lower()
    assert fix


def test_web_page_instead_of_json_has_a_fix(deployed: Shell, server: LocalVendo) -> None:
    server.fail("credentials", html=True, times=None)

    error, fix = _failure(deployed)

    assert "JSON" in error or "HTML" in error
    assert fix


def test_closed_pipe_prints_no_traceback(shell: Shell) -> None:
    shell.env["OPENAI_API_KEY"] = "sk-mine"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = shell.vendo("token", "openai", stdout=pipe)

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_full_disk_is_an_error(shell: Shell) -> None:
    shell.env["OPENAI_API_KEY"] = "sk-mine"
    with Path("/dev/full").open("w") as full:
        done = shell.vendo("token", "openai", stdout=full)

    assert (done.returncode, done.stderr) == (1, "error: No space left on device.\n")


def test_closed_stdout_is_an_error(shell: Shell) -> None:
    shell.env["OPENAI_API_KEY"] = "sk-mine"

    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', *LINE, "token", "openai"],
        env=shell.env,
        cwd=shell.folder,
        stderr=subprocess.PIPE,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("error: Standard output is closed")
