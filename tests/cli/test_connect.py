"""`connect`: the link where a user connects a provider, and the wait for it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from cli.command import SECONDS, problems, read_until, stop
from vendo._cli import browser

if TYPE_CHECKING:
    import subprocess

    from cli.command import Shell
    from vendo.testing import LocalVendo


def _link(process: subprocess.Popen[str]) -> str:
    return read_until(process, "^http").strip()


def _ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


WAITING = "Waiting for notion to be connected. Press Ctrl-C to stop.\n"


def test_it_waits_until_the_user_has_pressed_the_button(
    deployed: Shell, server: LocalVendo
) -> None:
    with deployed.start("connect", "notion") as process:
        url = _link(process)
        server.wait_for_streams(1, timeout=SECONDS)
        browser.press_connect(url)
        ended = _ended(process)

    assert ended == (0, "Notion (notion) is connected.\n", WAITING)
    assert urlsplit(url).path == "/connections/connect/notion"


def test_json_is_the_link_and_then_the_connection(deployed: Shell, server: LocalVendo) -> None:
    with deployed.start("connect", "notion", "--json") as process:
        first = json.loads(read_until(process, "\n"))
        browser.press_connect(first.pop("connect_url"))
        status, out, _ = _ended(process)

    row = server.client().connections.get("notion")
    assert row
    assert first == {"slug": "notion", "status": "waiting", "timeout": 300.0}
    assert status == 0
    assert json.loads(out) == {
        "slug": "notion",
        "status": "connected",
        "id": row.id,
        "display_name": "Notion",
    }


def test_a_connected_provider_is_reported_at_once(deployed: Shell, server: LocalVendo) -> None:
    done = deployed.vendo("connect", "Gmail", "--open")

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "Gmail (gmail) is already connected.\n",
        "",
    )
    assert server.count("events") == server.count("pages") == 0


def test_a_connection_that_needs_the_user_again_is_waited_for(
    deployed: Shell, server: LocalVendo
) -> None:
    server.set_status("gmail", "needs_reauth")
    with deployed.start("connect", "gmail") as process:
        browser.press_connect(_link(process))
        assert _ended(process)[0] == 0


def test_a_provider_of_the_backend_alone_can_be_connected(
    deployed: Shell, server: LocalVendo
) -> None:
    server.connect("my-tool", status="pending_setup")
    with deployed.start("connect", "my-tool") as process:
        browser.press_connect(_link(process))
        assert _ended(process)[:2] == (0, "my-tool is connected.\n")


def test_time_out_says_what_to_do(deployed: Shell) -> None:
    done = deployed.vendo("connect", "notion", "--timeout", "1")

    assert done.returncode == 1
    [(problem, fix)] = problems(done.stderr).items()
    # On a busy machine it may end during a look, and says so.
    assert problem.startswith("The provider 'notion' was not connected within 1 s.")
    assert fix == "Open the link, and wait again: python -m vendo connect notion"
    assert "Traceback" not in done.stderr


def test_a_backend_that_is_restarted_meanwhile_ends_nothing(
    deployed: Shell, server: LocalVendo
) -> None:
    with deployed.start("connect", "notion") as process:
        url = _link(process)
        server.wait_for_streams(1, timeout=SECONDS)
        server.stop()
        server.start()
        browser.press_connect(url)
        assert _ended(process)[:2] == (0, "Notion (notion) is connected.\n")


@pytest.mark.parametrize("status", [403, 429, 503])
def test_it_polls_where_the_event_stream_is_refused(
    deployed: Shell, server: LocalVendo, status: int
) -> None:
    server.fail("events", status=status, times=None)
    with deployed.start("connect", "notion") as process:
        browser.press_connect(_link(process))
        assert _ended(process)[:2] == (0, "Notion (notion) is connected.\n")


def test_ctrl_c_ends_it(deployed: Shell, server: LocalVendo) -> None:
    with deployed.start("connect", "notion") as process:
        _link(process)
        server.wait_for_streams(1, timeout=SECONDS)
        assert stop(process) == (130, "", WAITING)


def test_open_opens_the_link_in_the_browser(deployed: Shell) -> None:
    script = deployed.folder / "browser.py"
    script.write_text(
        "import sys\nfrom vendo._cli import browser\nbrowser.press_connect(sys.argv[1])"
    )
    deployed.env["BROWSER"] = shlex.join([sys.executable, str(script), "%s"])

    done = deployed.vendo("connect", "notion", "--open")

    assert (done.returncode, done.stderr) == (0, WAITING)
    assert done.stdout.endswith("\nNotion (notion) is connected.\n")


def test_without_a_browser_the_link_is_still_good(deployed: Shell) -> None:
    deployed.env |= {"BROWSER": "no-such-browser", "PATH": ""}
    with deployed.start("connect", "notion", "--open") as process:
        browser.press_connect(_link(process))
        status, _, err = _ended(process)

    assert status == 0
    assert "note: No browser could be opened. Open the link yourself." in err


def test_oss_mode_has_no_link(shell: Shell) -> None:
    done = shell.vendo("connect", "notion")

    assert (done.returncode, done.stdout) == (1, "")
    assert "VENDO_API_KEY" in done.stderr


def test_rejected_key_is_an_error_at_once(deployed: Shell, server: LocalVendo) -> None:
    server.revoke_key()
    done = deployed.vendo("connect", "notion")

    assert (done.returncode, done.stdout) == (1, "")
    assert "error: " in done.stderr


def test_unknown_provider_is_a_usage_error(deployed: Shell) -> None:
    done = deployed.vendo("connect", "gmial")

    assert (done.returncode, done.stdout) == (2, "")
    assert problems(done.stderr) == {
        "The backend does not have the provider 'gmial'.": "Did you mean 'gmail'?"
    }


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a b",),
        ("notion", "extra"),
        *(("notion", f"--timeout={text}") for text in ("0", "-1", "nan", "inf", "100000", "soon")),
    ],
)
def test_usage_errors(deployed: Shell, server: LocalVendo, arguments: tuple[str, ...]) -> None:
    done = deployed.vendo("connect", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\nfix: [^\n]+\n", done.stderr)
    assert not server.requests
