"""`serve`: a Vendo of one's own, and the lines to paste into a shell."""

from __future__ import annotations

import json
import shlex
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from cli.command import stop

if TYPE_CHECKING:
    import subprocess

    from cli.command import Person


def _exported(process: subprocess.Popen[str], last: str) -> dict[str, str]:
    """The variables that a shell would have after the lines up to the last of them."""
    variables: dict[str, str] = {}
    assert process.stdout
    while last not in variables:
        words = shlex.split(process.stdout.readline(), comments=True)
        if words:
            assert words[0] == "export"
            name, _, value = words[1].partition("=")
            variables[name] = value
    return variables


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_it_prints_points_a_program_at_it_until_it_is_stopped(
    person: Person, number: int
) -> None:
    with person.start("serve", "--connect", "gmail", "my-tool") as process:
        person.env.update(_exported(process, "MY_TOOL_BASE_URL"))
        token = person.vendo("token", "gmail")
        status, rest, err = stop(process, number)

    assert (token.returncode, token.stderr) == (0, "")
    assert token.stdout.strip()
    assert person.env["GMAIL_BASE_URL"] == f"{person.env['VENDO_BASE_URL']}/providers/gmail"
    assert (status, rest, err) == (0, "", "")
    assert person.vendo("token", "gmail").returncode == 1


def test_as_json_it_is_one_object(person: Person) -> None:
    with person.start("serve", "--json", "--connect", "gmail") as process:
        assert process.stdout
        text = ""
        while not text.endswith("\n}\n"):
            text += process.stdout.readline()
        stop(process)

    told = json.loads(text)
    assert told["connected"] == ["gmail"]
    assert told["environment"]["VENDO_BASE_URL"] == told["url"]


def test_a_port_that_is_taken_is_told(person: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = person.vendo("serve", "--port", str(port))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: Port {port} is not to be had" in done.stderr
    assert "fix: Give another --port" in done.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http", "\u0661"])
def test_a_port_that_is_none_is_a_usage_error(person: Person, port: str) -> None:
    done = person.vendo("serve", f"--port={port}")

    assert done.returncode == 2
    assert "is no port; ports are 0 to 65535" in done.stderr


def test_a_slug_that_is_none_is_a_usage_error(person: Person) -> None:
    assert person.vendo("serve", "--connect", "gmail", "a b").returncode == 2
