"""`serve`: a local Vendo, and the lines to paste into a shell."""

from __future__ import annotations

import json
import shlex
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from cli.command import read_until, stop

if TYPE_CHECKING:
    import subprocess

    from cli.command import Shell


def _exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read all lines that it prints. Return the variables."""
    words = shlex.split(read_until(process, "/providers/SLUG$"), comments=True)
    assert words[::2] == ["export"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_the_variables_for_its_server(shell: Shell, number: int) -> None:
    with shell.start("serve", "--connect", "gmail", "my-tool") as process:
        shell.env.update(_exported(process))
        token = shell.vendo("token", "gmail")
        status, rest, err = stop(process, number)

    assert (token.returncode, token.stderr) == (0, "")
    assert token.stdout.strip()
    assert shell.env["GMAIL_BASE_URL"] == f"{shell.env['VENDO_BASE_URL']}/providers/gmail"
    assert (status, rest, err) == (0, "", "")
    assert shell.vendo("token", "gmail").returncode == 1


def test_the_addresses_of_fake_providers_are_those_that_are_connected(shell: Shell) -> None:
    with shell.start("serve") as process:
        text = read_until(process, "/providers/SLUG$")
        stop(process)

    names = [line.split()[1].partition("=")[0] for line in text.splitlines() if "export" in line]
    assert len(names) == 5
    assert all(name.startswith("VENDO_") for name in names)


def test_json_is_one_object(shell: Shell) -> None:
    with shell.start("serve", "--json", "--connect", "gmail") as process:
        text = read_until(process, "^}$")
        stop(process)

    printed = json.loads(text)
    assert printed["connected"] == ["gmail"]
    assert printed["environment"]["VENDO_BASE_URL"] == printed["url"]


def test_port_in_use_is_an_error(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = shell.vendo("serve", "--port", str(port))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: Port {port} is not available" in done.stderr
    assert "fix: Leave out --port" in done.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http", "\u0661"])
def test_invalid_port_is_a_usage_error(shell: Shell, port: str) -> None:
    done = shell.vendo("serve", f"--port={port}")

    assert done.returncode == 2
    assert f"error: --port must be between 0 and 65535, not {port!r}." in done.stderr


def test_invalid_slug_is_a_usage_error(shell: Shell) -> None:
    assert shell.vendo("serve", "--connect", "gmail", "a b").returncode == 2


def test_slug_with_a_typing_error_is_a_usage_error(shell: Shell) -> None:
    done = shell.vendo("serve", "--connect", "gmial")

    assert (done.returncode, done.stdout) == (2, "")
    assert "error: The catalog has no provider 'gmial'. Did you mean 'gmail'?" in done.stderr
