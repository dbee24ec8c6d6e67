"""`token`: a credential and nothing else, or what to do about it."""

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
    from cli.command import Person
    from vendo.testing import LocalVendo


def test_it_prints_the_variable_and_a_line_end(person: Person) -> None:
    person.env["OPENAI_API_KEY"] = " sk-mine "

    done = person.vendo("token", "OpenAI")

    assert (done.returncode, done.stdout, done.stderr) == (0, "sk-mine\n", "")


def test_in_vendo_mode_it_prints_what_the_worker_hands_out(
    deployed: Person, server: LocalVendo
) -> None:
    done = deployed.vendo("token", "gmail")

    assert (done.returncode, done.stdout) == (0, f"{server.token('gmail')}\n")


def test_it_prints_the_bytes_of_the_environment(person: Person) -> None:
    person.env.update(VENDO_TOKEN_TOOL="caf\u00e9", PYTHONIOENCODING="ascii")

    done = person.vendo("token", "tool", text=False)

    assert done.stdout == os.fsencode("caf\u00e9\n")


def test_what_is_not_set_names_the_variable_to_set(person: Person) -> None:
    done = person.vendo("token", "openai")

    assert (done.returncode, done.stdout) == (1, "")
    assert "OPENAI_API_KEY is not set" in done.stderr
    assert "fix: Set OPENAI_API_KEY to the credential" in done.stderr
    assert "connect-url" not in done.stderr  # there is no page to connect it at


def test_a_typing_error_gets_a_suggestion(person: Person) -> None:
    done = person.vendo("token", "opnai")

    assert done.returncode == 1
    assert "Did you mean 'openai'?" in done.stderr


def test_what_is_not_connected_names_the_command_that_prints_where(deployed: Person) -> None:
    done = deployed.vendo("token", "notion")

    assert (done.returncode, done.stdout) == (1, "")
    assert "fix: python -m vendo connect-url notion prints the address." in done.stderr


def test_a_connection_that_needs_its_person_names_that_command_too(
    deployed: Person, server: LocalVendo
) -> None:
    server.set_status("gmail", "needs_reauth")

    done = deployed.vendo("token", "gmail")

    assert done.returncode == 1
    assert "fix: python -m vendo connect-url gmail prints the address." in done.stderr


def test_a_slug_that_is_none_is_a_usage_error(person: Person) -> None:
    done = person.vendo("token", "open ai")

    assert (done.returncode, done.stdout) == (2, "")
    assert "error: argument SLUG: " in done.stderr


def _refused(person: Person) -> tuple[str, str]:
    done = person.vendo("token", "gmail")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    (found,) = problems(done.stderr).items()
    return found


def test_a_variable_of_two_lines_is_named_and_not_shown(person: Person) -> None:
    person.env["GMAIL_ACCESS_TOKEN"] = "first-canary\nsecond-canary"

    error, fix = _refused(person)

    assert "GMAIL_ACCESS_TOKEN" in error
    assert "GMAIL_ACCESS_TOKEN" in fix
    assert "on one line" in fix
    assert "canary" not in error + fix


def test_a_key_with_a_line_break_is_not_sent(deployed: Person, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = f"{server.api_key[:20]}\n{server.api_key[20:]}"

    error, fix = _refused(deployed)

    assert "VENDO_API_KEY" in error
    assert fix
    assert server.api_key[20:] not in error + fix
    assert not server.requests


@pytest.mark.parametrize("code", ["app_unknown", "app_revoked", "app_expired"])
def test_a_key_that_is_no_longer_good_says_what_to_do(
    deployed: Person, server: LocalVendo, code: str
) -> None:
    server.revoke_key(code)

    error, fix = _refused(deployed)

    assert "key" in error.lower()
    assert "dashboard" in fix or "VENDO_API_KEY" in fix


def test_a_backend_that_is_not_there_says_what_to_look_at(deployed: Person) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        deployed.env["VENDO_CREDENTIALS_URL"] = f"http://127.0.0.1:{taken.getsockname()[1]}"

        error, fix = _refused(deployed)

    assert "could not be reached" in error or "connect" in error.lower()
    assert fix


def test_a_backend_that_answers_a_web_page_says_what_it_may_be(
    deployed: Person, server: LocalVendo
) -> None:
    server.fail("credentials", html=True, times=None)

    error, fix = _refused(deployed)

    assert "JSON" in error or "HTML" in error
    assert fix


def test_nobody_who_reads_is_no_traceback(person: Person) -> None:
    person.env["OPENAI_API_KEY"] = "sk-mine"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = person.vendo("token", "openai", stdout=nobody)

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_a_full_disk_is_told(person: Person) -> None:
    person.env["OPENAI_API_KEY"] = "sk-mine"
    with Path("/dev/full").open("w") as full:
        done = person.vendo("token", "openai", stdout=full)

    assert (done.returncode, done.stderr) == (1, "error: No space left on device.\n")


def test_a_closed_output_is_told(person: Person) -> None:
    person.env["OPENAI_API_KEY"] = "sk-mine"

    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', *LINE, "token", "openai"],
        env=person.env,
        cwd=person.folder,
        stderr=subprocess.PIPE,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("error: Standard output is closed")
