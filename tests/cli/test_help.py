"""The line itself: help texts, usage errors, what starts no more than it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vendo import __version__
from vendo._cli.main import main

if TYPE_CHECKING:
    from cli.command import Person

COMMANDS = ["token", "run", "doctor", "catalog", "connect-url", "events", "serve", "demo"]


def test_help_names_every_command_and_the_exit_statuses(person: Person) -> None:
    done = person.vendo("--help")

    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^    {command} +\w", done.stdout, re.MULTILINE), command
    assert "exit status: 0; 1 where" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_examples_that_it_takes_itself(
    person: Person, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(r"python -m vendo ([^|)\n]*)", text.partition("examples:")[2])
    assert examples
    for example in examples:
        words = example.split()
        assert command in words
        # A line that is taken goes on to fail for another reason; one that is not is a 2.
        taken = subprocess.run(
            [sys.executable, "-c", TAKES, *words], env=person.env, capture_output=True, text=True
        )
        assert taken.returncode == 0, taken.stderr


TAKES = """
import sys
from vendo._cli.main import _parsed
from vendo._cli.parser import make_parser
_parsed(make_parser(), sys.argv[1:])
"""


def test_the_version_is_the_packages(person: Person) -> None:
    assert person.vendo("--version").stdout == f"vendo-sdk {__version__}\n"


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["nosuch"],
        ["token"],
        ["token", "a", "b"],
        ["tok", "openai"],
        ["doctor", "--js"],
        ["doctor", "--timeout", "0"],
        ["doctor", "--timeout", "nan"],
        ["doctor", "--timeout", "inf"],
        ["doctor", "--timeout", "100000"],
        ["doctor", "--timeout", "soon"],
        ["catalog", "a b"],
    ],
    ids=" ".join,
)
def test_a_line_that_is_no_command_ends_with_2_and_says_where_help_is(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)

    assert ended.value.code == 2
    error, fix = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert fix.startswith("fix: python -m vendo")
    assert fix.endswith("--help shows what it takes.")


def test_a_token_costs_no_import_that_it_does_not_need(person: Person) -> None:
    # Measuring coverage would import json.
    person.env = {k: v for k, v in person.env.items() if not k.startswith("COVERAGE_")}
    person.env["OPENAI_API_KEY"] = "sk-mine"
    program = (
        "import sys; from vendo._cli.main import main; main(['token', 'openai']); "
        "print([m for m in ('ssl', 'asyncio', 'http', 'json', 'vendo.testing', 'vendo._cli.demo') "
        "if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env=person.env, capture_output=True, text=True
    )

    assert done.stdout == "sk-mine\n[]\n", done.stderr
