"""`--env-file`: load variables from a file, below those that are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo


@pytest.mark.parametrize("where", ["before", "after"])
def test_env_file_option_works_before_and_after_the_command(shell: Shell, where: str) -> None:
    (shell.folder / "my.env").write_text('export OPENAI_API_KEY="sk-file"\n')
    option = ["--env-file", "my.env"]
    line = [*option, "token", "openai"] if where == "before" else ["token", *option, "openai"]

    assert shell.vendo(*line).stdout == "sk-file\n"


@pytest.mark.parametrize("place", range(4))
def test_env_file_option_works_anywhere_in_a_line_of_server(
    shell: Shell, server: LocalVendo, place: int
) -> None:
    lines = [f"export {name}={value}\n" for name, value in server.environment().items()]
    (shell.folder / "my.env").write_text("".join(lines))
    line = ["server", "connect", "notion"]
    line[place:place] = ["--env-file", "my.env"]

    assert shell.vendo(*line).stdout == "notion: connected\n"


def test_env_file_does_not_override_variables(shell: Shell) -> None:
    (shell.folder / ".env").write_text("OPENAI_API_KEY=sk-file\n")
    shell.env["OPENAI_API_KEY"] = "sk-set"

    assert shell.vendo("--env-file", ".env", "token", "openai").stdout == "sk-set\n"


def test_run_passes_variables_of_env_file_to_the_command(shell: Shell) -> None:
    (shell.folder / ".env").write_text("GREETING='good day'\n")

    done = shell.vendo("--env-file", ".env", "run", "--", "printenv", "GREETING")

    assert done.stdout == "good day\n"


def test_env_file_does_not_bring_back_the_key_that_run_leaves_out(shell: Shell) -> None:
    lines = ["VENDO_API_KEY=byok", "VENDO_WEBHOOK_SECRET=whsec", "GREETING=hello"]
    (shell.folder / ".env").write_text("\n".join(lines))

    done = shell.vendo("--env-file", ".env", "run", "--without-key", "--", "printenv")

    assert "GREETING=hello" in done.stdout
    assert "VENDO_" not in done.stdout


def test_env_file_may_begin_with_byte_order_mark(shell: Shell) -> None:
    (shell.folder / ".env").write_bytes(b"\xef\xbb\xbfOPENAI_API_KEY=sk-file\n")

    assert shell.vendo("--env-file", ".env", "token", "openai").stdout == "sk-file\n"


def test_missing_env_file_is_a_usage_error(shell: Shell) -> None:
    done = shell.vendo("--env-file", "no.env", "token", "openai")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: --env-file cannot read no.env: No such file or directory.\n"
        "fix: Name a file of NAME=value lines that exists, such as --env-file .env.\n"
    )


@pytest.mark.parametrize("data", [b"OPENAI_API_KEY=canary\xff\n", b"OPENAI_API_KEY=canary\0\n"])
def test_binary_env_file_is_a_usage_error_that_does_not_quote_it(shell: Shell, data: bytes) -> None:
    (shell.folder / ".env").write_bytes(data)

    done = shell.vendo("--env-file", ".env", "token", "openai")

    assert (done.returncode, done.stdout) == (2, "")
    assert "it is not UTF-8 text of NAME=value lines" in done.stderr
    assert "canary" not in done.stderr


def test_hint_for_env_file_that_was_not_loaded(shell: Shell) -> None:
    (shell.folder / ".env").write_text("OPENAI_API_KEY=canary\n")

    done = shell.vendo("token", "openai")

    assert done.returncode == 1
    assert "The .env file in the working directory sets OPENAI_API_KEY" in done.stderr
    assert "canary" not in done.stderr
