"""Credentials in files that `<VARIABLE>_FILE` names: `doctor`, `run`, `token` and `demo`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cli.command import problems

if TYPE_CHECKING:
    from pathlib import Path

    from cli.command import Shell
    from vendo.testing import LocalVendo

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
CANARY = "canary-5f2c"


def stored(shell: Shell, variable: str, content: str) -> Path:
    """Write a file, and have the variable name it."""
    file = shell.folder / variable.lower()
    file.write_text(content)
    shell.env[f"{variable}_FILE"] = str(file)
    return file


def doctor(shell: Shell, *, status: int = 0) -> dict[str, Any]:
    done = shell.vendo("doctor", "--json")
    assert (done.returncode, done.stderr) == (status, "")
    assert CANARY not in done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def texts(report: dict[str, Any], kind: str) -> dict[str, str]:
    return {found["text"]: found["fix"] for found in report[kind]}


def environment_of_run(shell: Shell, *options: str) -> dict[str, str]:
    done = shell.vendo("run", *options, "--", sys.executable, "-c", SHOW)
    assert done.returncode == 0, done.stderr
    environment: dict[str, str] = json.loads(done.stdout)
    return environment


def test_token_is_printed_from_a_file(shell: Shell) -> None:
    stored(shell, "OPENAI_API_KEY", "sk-file\r\n")
    assert shell.vendo("token", "openai").stdout == "sk-file\n"
    stored(shell, "OPENAI_API_KEY", "sk\nfile").unlink()
    done = shell.vendo("token", "openai")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: The file of OPENAI_API_KEY_FILE (" in done.stderr
    assert "fix: Set OPENAI_API_KEY_FILE to the path of a file" in done.stderr


def test_doctor_names_the_file_of_each_credential(shell: Shell) -> None:
    openai = stored(shell, "OPENAI_API_KEY", CANARY)
    tool = stored(shell, "VENDO_TOKEN_MY_TOOL", CANARY)
    slug_file = shell.env["VENDO_TOKEN_FILE"] = CANARY  # the override of the slug `file`
    assert slug_file

    report = doctor(shell)

    assert report["credentials"] == [
        {"slug": "openai", "variable": "OPENAI_API_KEY_FILE", "file": str(openai)},
        {"slug": "file", "variable": "VENDO_TOKEN_FILE", "file": None},
        {"slug": "my_tool", "variable": "VENDO_TOKEN_MY_TOOL_FILE", "file": str(tool)},
    ]
    assert report["notes"] == report["problems"] == []
    page = shell.vendo("doctor").stdout
    assert f"  openai   from OPENAI_API_KEY_FILE ({openai})\n" in page


def test_doctor_warns_where_both_variables_are_set(deployed: Shell) -> None:
    stored(deployed, "VENDO_API_KEY", f"{CANARY}\n{CANARY}")
    stored(deployed, "VENDO_TOKEN_OPENAI", CANARY).unlink()
    deployed.env["VENDO_TOKEN_OPENAI"] = CANARY
    stored(deployed, "NOTION_TOKEN", CANARY)  # ignored in Vendo mode
    deployed.env["NOTION_TOKEN"] = CANARY

    report = doctor(deployed)

    assert report["reason"] == "VENDO_API_KEY is set"
    assert report["credentials"] == [
        {"slug": "openai", "variable": "VENDO_TOKEN_OPENAI", "file": None}
    ]
    notes = texts(report, "notes")
    for name in ("VENDO_API_KEY", "VENDO_TOKEN_OPENAI"):
        fix = notes[f"{name} and {name}_FILE are both set. The file is not read."]
        assert fix == f"Unset {name} to use the file, or else {name}_FILE."
    assert "Ignored in Vendo mode: NOTION_TOKEN." in notes
    assert len(notes) == 3


def test_doctor_reports_a_file_that_cannot_be_used(shell: Shell) -> None:
    file = stored(shell, "OPENAI_API_KEY", f"{CANARY}\n{CANARY}")
    shell.env["VENDO_TOKEN_SLACK_FILE"] = CANARY

    done = shell.vendo("doctor")

    assert done.returncode == 1
    assert CANARY not in done.stdout
    found = problems(done.stdout)
    assert found == {
        f"The file of OPENAI_API_KEY_FILE ({file}) contains a control character, such as a line "
        "break.": "Write the value alone into the file, on one line.",
        "The file of VENDO_TOKEN_SLACK_FILE does not exist.": "Set VENDO_TOKEN_SLACK_FILE to the "
        "path of a file that holds the value alone. The value itself belongs into "
        "VENDO_TOKEN_SLACK.",
    }


def test_doctor_notes_what_is_surprising_in_a_file(shell: Shell) -> None:
    stored(shell, "OPENAI_API_KEY", " \n")
    stored(shell, "SLACK_BOT_TOKEN", f"'{CANARY}'")
    (shell.folder / ".env").write_text("GITHUB_TOKEN_FILE=/run/secrets/github\n")

    notes = texts(doctor(shell), "notes")

    assert "The file of OPENAI_API_KEY_FILE is empty, which counts as not set." in notes
    quoted = (
        "The value of the file of SLACK_BOT_TOKEN_FILE has quotes around it, which are sent too."
    )
    assert notes[quoted] == "Write the value into the file without quotes."
    assert [
        text for text in notes if text.startswith("The .env file") and "GITHUB_TOKEN_FILE" in text
    ]


def test_doctor_uses_the_key_in_a_file(deployed: Shell, server: LocalVendo) -> None:
    del deployed.env["VENDO_API_KEY"]
    file = stored(deployed, "VENDO_API_KEY", server.api_key)

    report = doctor(deployed)

    assert (report["mode"], report["reason"]) == ("vendo", f"VENDO_API_KEY_FILE is set ({file})")
    assert [response["status"] for response in report["answers"]] == [200, 200, 405]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        ("", "oss", "the file of VENDO_API_KEY_FILE is empty"),
        ("byok", "oss", "the file of VENDO_API_KEY_FILE is the placeholder byok"),
        (f"{CANARY} {CANARY}", "vendo", "VENDO_API_KEY_FILE is set ({file})"),
        (f"{CANARY}\n{CANARY}", "vendo", "VENDO_API_KEY_FILE is set ({file})"),
    ],
)
def test_doctor_says_what_the_key_file_means(
    shell: Shell, content: str, mode: str, reason: str
) -> None:
    file = stored(shell, "VENDO_API_KEY", content)

    report = doctor(shell, status=int(mode == "vendo"))

    assert (report["mode"], report["reason"]) == (mode, reason.format(file=file))
    assert [text for text in texts(report, "problems") if "VENDO_API_KEY_FILE" in text] == list(
        texts(report, "problems")
    )


def test_run_replaces_the_file_by_the_variable(shell: Shell) -> None:
    """Many programs reject a variable that is set both ways."""
    stored(shell, "OPENAI_API_KEY", "sk-file")
    stored(shell, "SLACK_BOT_TOKEN", "xoxb")

    environment = environment_of_run(shell, "--slug", "openai")

    assert environment["OPENAI_API_KEY"] == "sk-file"
    assert "OPENAI_API_KEY_FILE" not in environment
    assert "SLACK_BOT_TOKEN_FILE" in environment


def test_run_without_key_hides_the_file_and_what_is_in_it(
    deployed: Shell, server: LocalVendo
) -> None:
    del deployed.env["VENDO_API_KEY"]
    file = stored(deployed, "VENDO_API_KEY", server.api_key)
    deployed.env |= {"COPY": f"key={server.api_key}", "OTHER": "1"}

    environment = environment_of_run(deployed, "--slug", "gmail", "--without-key")

    assert environment["GMAIL_ACCESS_TOKEN"] == server.token("gmail")
    assert environment["OTHER"] == "1"
    assert environment.keys().isdisjoint({"VENDO_API_KEY", "VENDO_API_KEY_FILE", "COPY"})
    assert not [value for value in environment.values() if str(file) in value]


def test_run_without_key_works_without_a_readable_file(shell: Shell) -> None:
    stored(shell, "VENDO_API_KEY", CANARY).unlink()
    shell.env["OTHER"] = "1"

    environment = environment_of_run(shell, "--without-key")

    assert environment["OTHER"] == "1"
    assert "VENDO_API_KEY_FILE" not in environment


def test_demo_does_not_use_the_files_of_the_user(shell: Shell) -> None:
    for variable in ("VENDO_API_KEY", "OPENAI_API_KEY", "SLACK_BOT_TOKEN"):
        stored(shell, variable, CANARY)

    done = shell.vendo("demo")

    assert (done.returncode, done.stderr) == (0, "")
    assert "_FILE" not in done.stdout
