"""`run`: the command gets the tokens in its environment, and replaces the process."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from cli.command import read_until

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def test_each_token_is_in_the_conventional_variable(deployed: Shell, server: LocalVendo) -> None:
    done = deployed.vendo(
        *("run", "--slug", "gmail", "--slug", "slack", "--", sys.executable, "-c", SHOW)
    )

    environment = json.loads(done.stdout)
    assert environment["GMAIL_ACCESS_TOKEN"] == server.token("gmail")
    assert environment["SLACK_BOT_TOKEN"] == server.token("slack")
    assert environment["HOME"] == str(deployed.folder)
    assert server.count("credentials") == 1


def test_token_outside_the_catalog_is_in_the_override_variable(
    deployed: Shell, server: LocalVendo
) -> None:
    server.connect("my-tool")

    done = deployed.vendo("run", "--slug", "my-tool", "--", "printenv", "VENDO_TOKEN_MY_TOOL")

    assert done.stdout == f"{server.token('my-tool')}\n"


def test_without_key_the_command_has_no_secret_of_vendo(
    deployed: Shell, server: LocalVendo
) -> None:
    line = ("run", "--slug", "gmail", "--without-key", "--", sys.executable, "-c", SHOW)
    environment = json.loads(deployed.vendo(*line).stdout)

    assert environment["GMAIL_ACCESS_TOKEN"] == server.token("gmail")
    assert environment["VENDO_BASE_URL"] == server.url
    values = " ".join(environment.values())
    assert server.api_key not in values
    assert server.webhook_secret not in values


def test_without_key_no_other_variable_contains_a_secret_of_vendo(
    deployed: Shell, server: LocalVendo
) -> None:
    deployed.env |= {"COPY": server.api_key, "URL": f"https://{server.webhook_secret}@x.example"}
    deployed.env["OTHER"] = "1"
    line = ("run", "--slug", "gmail", "--without-key", "--", sys.executable, "-c", SHOW)
    environment = json.loads(deployed.vendo(*line).stdout)

    assert environment["OTHER"] == "1"
    assert environment.keys().isdisjoint({"COPY", "URL"})


def test_program_started_without_key_finds_its_token(deployed: Shell, server: LocalVendo) -> None:
    program = "import vendo; print(vendo.is_vendo_mode(), vendo.token('gmail'))"
    line = ("run", "--slug", "gmail", "--without-key", "--", sys.executable, "-c", program)

    assert deployed.vendo(*line).stdout == f"False {server.token('gmail')}\n"
    assert server.count("credentials") == 1


def test_nothing_is_started_unless_every_slug_has_a_token(shell: Shell) -> None:
    shell.env["GITHUB_TOKEN"] = "ghp_mine"

    done = shell.vendo(
        *("run", "--slug", "openai", "--slug", "github", "--slug", "slack", "--"),
        *("touch", "started"),
    )

    assert done.returncode == 1
    assert "OPENAI_API_KEY is not set" in done.stderr
    assert "SLACK_BOT_TOKEN is not set" in done.stderr
    assert "github" not in done.stderr.lower()
    assert not (shell.folder / "started").exists()


def test_run_without_slug_adds_no_variable(shell: Shell) -> None:
    assert shell.vendo("run", "--", "echo", "--json", "-h").stdout == "--json -h\n"


@pytest.mark.parametrize("status", [0, 1, 2, 77])
def test_exit_status_is_that_of_the_command(shell: Shell, status: int) -> None:
    assert shell.vendo("run", "--", "sh", "-c", f"exit {status}").returncode == status


def test_signal_reaches_the_command(shell: Shell) -> None:
    with shell.start("run", "--", "sh", "-c", "echo ready; exec sleep 600") as process:
        assert read_until(process, "\n") == "ready\n"
        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == -signal.SIGTERM


def test_command_does_not_inherit_ignored_signals(shell: Shell) -> None:
    done = shell.vendo("run", "--", "sh", "-c", "trap - PIPE; kill -PIPE $$; echo survived")

    assert done.returncode == -signal.SIGPIPE


def test_missing_command_exits_with_127(shell: Shell) -> None:
    done = shell.vendo("run", "--", "no-such-command", "argument")

    assert done.returncode == 127
    assert done.stderr == (
        "error: no-such-command could not be started (No such file or directory).\n"
        "fix: Check its name, and that its folder is in PATH.\n"
    )


def test_command_that_is_not_executable_exits_with_126(shell: Shell) -> None:
    (shell.folder / "text").write_text("not a program")

    done = shell.vendo("run", "--", "./text")

    assert done.returncode == 126
    assert done.stderr == (
        "error: ./text could not be started (Permission denied).\n"
        "fix: Make it executable: chmod +x ./text\n"
    )


def test_command_without_dashes_before_it_is_a_usage_error_that_shows_them(shell: Shell) -> None:
    done = shell.vendo("run", "--slug", "openai", "python", "app.py")

    assert done.returncode == 2
    assert done.stderr == (
        "error: Unrecognized arguments: python app.py.\n"
        "fix: python -m vendo run --slug openai -- python app.py\n"
    )


@pytest.mark.parametrize("arguments", [[], ["--"], ["--", ""]])
def test_run_without_command_is_a_usage_error(shell: Shell, arguments: list[str]) -> None:
    done = shell.vendo("run", "--slug", "openai", *arguments)

    assert done.returncode == 2
    assert done.stderr == (
        "error: run needs a command after --.\n"
        "fix: python -m vendo run --slug openai -- python app.py\n"
    )


def test_command_after_dashes_is_for_run_alone(shell: Shell) -> None:
    done = shell.vendo("doctor", "--", "ls")

    assert done.returncode == 2
    assert "doctor does not take a command after --." in done.stderr
