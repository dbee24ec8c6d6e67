"""`run`: a command with the tokens in its environment, in this process's place."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.command import Person
    from vendo.testing import LocalVendo

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def test_each_token_is_in_the_variable_that_the_providers_tools_read(
    deployed: Person, server: LocalVendo
) -> None:
    done = deployed.vendo(
        *("run", "--slug", "gmail", "--slug", "slack", "--", sys.executable, "-c", SHOW)
    )

    environment = json.loads(done.stdout)
    assert environment["GMAIL_ACCESS_TOKEN"] == server.token("gmail")
    assert environment["SLACK_BOT_TOKEN"] == server.token("slack")
    assert environment["HOME"] == str(deployed.folder)
    assert server.count("credentials") == 1


def test_a_slug_outside_the_catalog_is_in_its_override_variable(
    deployed: Person, server: LocalVendo
) -> None:
    server.connect("my-tool")

    done = deployed.vendo("run", "--slug", "my-tool", "--", "printenv", "VENDO_TOKEN_MY_TOOL")

    assert done.stdout == f"{server.token('my-tool')}\n"


def test_nothing_is_started_unless_every_slug_has_a_token(person: Person) -> None:
    person.env["GITHUB_TOKEN"] = "ghp_mine"

    done = person.vendo(
        *("run", "--slug", "openai", "--slug", "github", "--slug", "slack", "--"),
        *("touch", "started"),
    )

    assert done.returncode == 1
    assert "OPENAI_API_KEY is not set" in done.stderr
    assert "SLACK_BOT_TOKEN is not set" in done.stderr
    assert "github" not in done.stderr.lower()
    assert not (person.folder / "started").exists()


def test_without_a_slug_it_is_the_command_alone(person: Person) -> None:
    assert person.vendo("run", "--", "echo", "--json", "-h").stdout == "--json -h\n"


@pytest.mark.parametrize("status", [0, 1, 2, 77])
def test_the_exit_status_is_the_commands(person: Person, status: int) -> None:
    assert person.vendo("run", "--", "sh", "-c", f"exit {status}").returncode == status


def test_a_signal_ends_the_command_itself(person: Person) -> None:
    with person.start("run", "--", "sh", "-c", "echo ready; exec sleep 600") as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == -signal.SIGTERM


def test_the_command_does_not_ignore_a_broken_pipe(person: Person) -> None:
    done = person.vendo("run", "--", "sh", "-c", "trap - PIPE; kill -PIPE $$; echo survived")

    assert done.returncode == -signal.SIGPIPE


def test_a_command_that_is_not_there_is_127(person: Person) -> None:
    done = person.vendo("run", "--", "no-such-command", "argument")

    assert done.returncode == 127
    expected = "error: no-such-command could not be started (No such file or directory).\n"
    assert done.stderr == expected


def test_a_file_that_is_no_command_is_126(person: Person) -> None:
    (person.folder / "text").write_text("no program")

    done = person.vendo("run", "--", "./text")

    assert done.returncode == 126
    assert done.stderr == "error: ./text could not be started (Permission denied).\n"


@pytest.mark.parametrize("arguments", [[], ["--"], ["--", ""]])
def test_a_missing_command_is_a_usage_error(person: Person, arguments: list[str]) -> None:
    done = person.vendo("run", "--slug", "openai", *arguments)

    assert done.returncode == 2
    assert "run needs a command after --" in done.stderr


def test_only_run_takes_a_command(person: Person) -> None:
    done = person.vendo("doctor", "--", "ls")

    assert done.returncode == 2
    assert "doctor takes no command after --" in done.stderr
