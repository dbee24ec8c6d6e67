"""Help texts, usage errors, imports."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vendo import __version__
from vendo._cli.main import main
from vendo._cli.parser import COMMANDS

if TYPE_CHECKING:
    from cli.command import Shell


def test_help_names_every_command_and_the_exit_statuses(shell: Shell) -> None:
    done = shell.vendo("--help")

    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^    {command} +\w", done.stdout, re.MULTILINE), command
    assert "exit status: 0; 1 where" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_of_each_command_are_valid(
    shell: Shell, command: str, capsys: pytest.CaptureFixture[str]
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
        parsed = subprocess.run(
            [sys.executable, "-c", PARSE, *words], env=shell.env, capture_output=True, text=True
        )
        assert parsed.returncode == 0, parsed.stderr


PARSE = """
import sys
from vendo._cli import parser
parser._load = lambda *_: None  # the files of the examples do not exist
parser.parse(sys.argv[1:])
"""


def test_version_is_that_of_the_package(shell: Shell) -> None:
    assert shell.vendo("--version").stdout == f"vendo-sdk {__version__}\n"


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
        ["token", "a b"],
        ["token", "--json"],
    ],
    ids=" ".join,
)
def test_usage_error_exits_with_2_and_names_the_help_command(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)

    assert ended.value.code == 2
    error, fix = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert error.endswith(".")
    assert re.fullmatch(r"fix: python -m vendo( [a-z-]+)? --help", fix)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (["token"], "The following arguments are required: SLUG."),
        (["token", "a", "b"], "Unrecognized arguments: b."),
        (["tok"], f"Unknown command 'tok': the commands are {', '.join(COMMANDS)}."),
        (
            ["doctor", "--timeout", "-1"],
            "--timeout must be greater than 0 and at most 86400 seconds, not '-1'.",
        ),
        (["serve", "--port"], "Argument --port: expected one argument."),
    ],
    ids=str,
)
def test_usage_error_is_one_sentence(
    line: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(line)

    assert capsys.readouterr().err.startswith(f"error: {error}\nfix: ")


def test_token_imports_only_what_it_needs(shell: Shell) -> None:
    # Measuring coverage would import json.
    shell.env = {k: v for k, v in shell.env.items() if not k.startswith("COVERAGE_")}
    shell.env["OPENAI_API_KEY"] = "sk-mine"
    program = (
        "import sys; from vendo._cli.main import main; main(['token', 'openai']); "
        "print([m for m in ('argparse', 'shutil', 'ssl', 'asyncio', 'http', 'json', 'logging', "
        "'vendo.testing') if m in sys.modules]"
        ", [m for m in sys.modules if m.startswith('vendo._cli.commands.')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env=shell.env, capture_output=True, text=True
    )

    assert done.stdout == "sk-mine\n[] ['vendo._cli.commands.token']\n", done.stderr
