"""`demo`: it needs no network, no account and no extra."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cli.command import SECONDS, read_until, stop
from vendo._cli.browser import press_connect

if TYPE_CHECKING:
    from cli.command import Shell

CHAPTERS = ["1. On a laptop", "2. In a deployment", "3. A ", "4. A user", "The end"]


def test_demo_shows_both_modes_without_network(shell: Shell) -> None:
    # A request to another host fails.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        shell.env[name] = shell.env[name.lower()] = "http://127.0.0.1:9"
    del shell.env["NO_PROXY"]

    done = shell.vendo("demo")

    assert (done.returncode, done.stderr) == (0, "")
    places = [done.stdout.index(f"\n{chapter}") for chapter in CHAPTERS]
    assert places == sorted(places)
    assert "   'sk-demo-laptop'\n" in done.stdout
    assert "Requests to the server: 1." in done.stdout
    assert "Requests to the provider: 3, one of them rejected." in done.stdout
    assert "Tokens fetched from Vendo: 2." in done.stdout
    assert "   NotConnected: " in done.stdout
    assert "The page shows: Slack is connected." in done.stdout
    assert "Event: connection.connected, slack." in done.stdout
    assert "\x1b" not in done.stdout


def test_demo_without_requests_replaces_the_token_itself(shell: Shell) -> None:
    shell.hide("requests")

    done = shell.vendo("demo")

    assert (done.returncode, done.stderr) == (0, "")
    assert 'pip install "vendo-sdk[http]"' in done.stdout
    chapter = done.stdout.partition("\n3. ")[2].partition("\n4. ")[0]
    assert re.findall(r"^   (\d+)$", chapter, re.MULTILINE) == ["200", "401", "200"]
    assert "Requests to the provider: 3, one of them rejected." in chapter


def test_demo_ignores_the_environment_of_the_user(shell: Shell) -> None:
    shell.env.update(
        OPENAI_API_KEY="canary-openai",
        VENDO_API_KEY="canary-key",
        VENDO_TOKEN_OPENAI="canary-override",
        VENDO_BASE_URL="https://canary.example.com",
        SLACK_BOT_TOKEN="canary-slack",
        GMAIL_BASE_URL="https://canary.example.com/gmail",
    )

    done = shell.vendo("demo")

    assert done.returncode == 0
    assert "canary" not in done.stdout + done.stderr


def test_demo_on_a_terminal_is_coloured_and_wrapped(shell: Shell) -> None:
    status, shown = shell.on_a_terminal("demo")

    assert status == 0
    assert "\x1b[1;36m1. On a laptop" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    lines = [line for line in plain.splitlines() if "http" not in line]
    assert max(map(len, lines)) <= 80


def test_demo_with_no_color_is_plain_and_wrapped(shell: Shell) -> None:
    status, shown = shell.on_a_terminal("demo", NO_COLOR="1")

    assert status == 0
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines() if "http" not in line) <= 80


def test_interactive_demo_waits_for_the_user(shell: Shell) -> None:
    with shell.start("demo", "--interactive") as process:
        text = read_until(process, "press Connect")
        (url,) = re.findall(r"'(http://\S+/connections/connect/slack\S+)'", text)
        assert press_connect(url) == "Slack is connected."
        out, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, err) == (0, "")
    assert "Event: connection.connected, slack." in out


def test_ctrl_c_stops_interactive_demo(shell: Shell) -> None:
    with shell.start("demo", "--interactive") as process:
        read_until(process, "press Connect")
        status, _, err = stop(process)

    assert (status, err) == (130, "")
