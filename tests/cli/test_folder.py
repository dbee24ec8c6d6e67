"""No command imports from the folder it is started in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from cli.command import SECONDS, read_until, stop
from cli.traps import set_traps

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo

PRINT_PATH = "import sys; print(repr(sys.path[0]))"


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "slack"],
        ["token", "nosuch"],
        ["run", "--slug", "slack", "--without-key", "--", "true"],
        ["doctor"],
        ["doctor", "--json"],
        ["catalog"],
        ["catalog", "slakc"],
        ["connect", "slack"],
        ["connect-url", "slack"],
        ["demo"],
        ["--env-file", ".env", "token", "slack"],
        ["--help"],
        ["nosuch"],
    ],
    ids=" ".join,
)
def test_command_imports_nothing_from_its_folder(deployed: Shell, arguments: list[str]) -> None:
    (deployed.folder / ".env").write_text("GREETING=hello\n")
    notes = set_traps(deployed.folder)

    done = deployed.vendo(*arguments)

    assert not notes.exists(), f"{notes.read_text()}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_command_that_runs_until_it_is_stopped_imports_nothing_from_its_folder(
    deployed: Shell, server: LocalVendo
) -> None:
    notes = set_traps(deployed.folder)

    with deployed.start("events", "--json") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        server.emit("billing.cap_warned", window="daily", pct=80)
        event = read_until(process, "\n")
        stopped = stop(process)
    with deployed.start("serve") as process:
        served = read_until(process, "\n")
        stop(process)

    assert "cap_warned" in event, stopped
    assert "A local Vendo" in served
    assert not notes.exists()


def test_run_leaves_the_path_of_the_command_alone(shell: Shell) -> None:
    (shell.folder / "mine.py").write_text("print('mine')")

    assert shell.vendo("run", "--", sys.executable, "-m", "mine").stdout == "mine\n"
    assert shell.vendo("run", "--", sys.executable, "-c", PRINT_PATH).stdout == "''\n"


def test_folder_that_pythonpath_names_is_searched(shell: Shell) -> None:
    (shell.folder / "dotenv.py").write_text("raise SystemExit('the one of PYTHONPATH')")
    (shell.folder / ".env").write_text("")
    shell.env["PYTHONPATH"] = str(shell.folder)

    assert "PYTHONPATH" in shell.vendo("--env-file", ".env", "catalog").stderr
