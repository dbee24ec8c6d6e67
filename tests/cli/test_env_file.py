"""`--env-file`: variables of a file, under those that are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.command import Person


@pytest.mark.parametrize("where", ["before", "after"])
def test_it_stands_before_the_command_or_after_it(person: Person, where: str) -> None:
    (person.folder / "my.env").write_text('export OPENAI_API_KEY="sk-file"\n')
    option = ["--env-file", "my.env"]
    line = [*option, "token", "openai"] if where == "before" else ["token", *option, "openai"]

    assert person.vendo(*line).stdout == "sk-file\n"


def test_variables_that_are_set_stay(person: Person) -> None:
    (person.folder / ".env").write_text("OPENAI_API_KEY=sk-file\n")
    person.env["OPENAI_API_KEY"] = "sk-set"

    assert person.vendo("--env-file", ".env", "token", "openai").stdout == "sk-set\n"


def test_the_command_that_is_run_has_them_too(person: Person) -> None:
    (person.folder / ".env").write_text("GREETING='good day'\n")

    done = person.vendo("--env-file", ".env", "run", "--", "printenv", "GREETING")

    assert done.stdout == "good day\n"


def test_a_byte_order_mark_belongs_to_no_name(person: Person) -> None:
    (person.folder / ".env").write_bytes(b"\xef\xbb\xbfOPENAI_API_KEY=sk-file\n")

    assert person.vendo("--env-file", ".env", "token", "openai").stdout == "sk-file\n"


def test_a_file_that_is_not_there_is_a_usage_error(person: Person) -> None:
    done = person.vendo("--env-file", "no.env", "token", "openai")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --env-file no.env: No such file or directory\n")


@pytest.mark.parametrize("data", [b"OPENAI_API_KEY=canary\xff\n", b"OPENAI_API_KEY=canary\0\n"])
def test_a_file_that_is_no_text_is_a_usage_error_that_shows_nothing_of_it(
    person: Person, data: bytes
) -> None:
    (person.folder / ".env").write_bytes(data)

    done = person.vendo("--env-file", ".env", "token", "openai")

    assert (done.returncode, done.stdout) == (2, "")
    assert "this is no UTF-8 text of NAME=value lines" in done.stderr
    assert "canary" not in done.stderr


def test_a_file_that_nobody_loaded_is_hinted_at(person: Person) -> None:
    (person.folder / ".env").write_text("OPENAI_API_KEY=canary\n")

    done = person.vendo("token", "openai")

    assert done.returncode == 1
    assert "The .env file in the working directory sets OPENAI_API_KEY" in done.stderr
    assert "canary" not in done.stderr
