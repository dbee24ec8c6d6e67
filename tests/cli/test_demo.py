"""`demo`: a walk through both modes that needs no network, no account and no extra."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cli.command import SECONDS, stop
from vendo._cli.person import press_connect

if TYPE_CHECKING:
    from cli.command import Person

CHAPTERS = ["1. On a laptop", "2. In a deployment", "3. A ", "4. A person", "That was all of it"]


def test_it_walks_through_both_modes_on_this_machine_alone(person: Person) -> None:
    # Whatever would leave the machine comes to nothing.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        person.env[name] = person.env[name.lower()] = "http://127.0.0.1:9"
    del person.env["NO_PROXY"]

    done = person.vendo("demo")

    assert (done.returncode, done.stderr) == (0, "")
    places = [done.stdout.index(f"\n{chapter}") for chapter in CHAPTERS]
    assert places == sorted(places)
    assert "   'sk-demo-laptop'\n" in done.stdout
    assert "Requests for it at the server: 1." in done.stdout
    assert "Requests at the provider: 3, one of them refused." in done.stdout
    assert "Tokens fetched from Vendo: 2." in done.stdout
    assert "   NotConnected: " in done.stdout
    assert "The page says: Slack is connected." in done.stdout
    assert "An event came: connection.connected, slack." in done.stdout
    assert "\x1b" not in done.stdout


def test_without_requests_the_token_is_replaced_by_hand(person: Person) -> None:
    person.hide("requests")

    done = person.vendo("demo")

    assert (done.returncode, done.stderr) == (0, "")
    assert 'pip install "vendo-sdk[http]"' in done.stdout
    chapter = done.stdout.partition("\n3. ")[2].partition("\n4. ")[0]
    assert re.findall(r"^   (\d+)$", chapter, re.MULTILINE) == ["200", "401", "200"]
    assert "Requests at the provider: 3, one of them refused." in chapter


def test_nothing_of_the_persons_own_is_used_or_shown(person: Person) -> None:
    person.env.update(
        OPENAI_API_KEY="canary-openai",
        VENDO_API_KEY="canary-key",
        VENDO_TOKEN_OPENAI="canary-override",
        VENDO_BASE_URL="https://canary.example.com",
        SLACK_BOT_TOKEN="canary-slack",
        GMAIL_BASE_URL="https://canary.example.com/gmail",
    )

    done = person.vendo("demo")

    assert done.returncode == 0
    assert "canary" not in done.stdout + done.stderr


def test_on_a_terminal_it_has_colours_and_fits_the_width(person: Person) -> None:
    status, shown = person.on_a_terminal("demo")

    assert status == 0
    assert "\x1b[1;36m1. On a laptop" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    told = [line for line in plain.splitlines() if "http" not in line]
    assert max(map(len, told)) <= 80


def test_no_color_is_plain_and_still_fits_the_width(person: Person) -> None:
    status, shown = person.on_a_terminal("demo", NO_COLOR="1")

    assert status == 0
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines() if "http" not in line) <= 80


def test_interactive_waits_for_the_person_to_press_the_button(person: Person) -> None:
    with person.start("demo", "--interactive") as process:
        assert process.stdout
        text = ""
        while "press Connect" not in text:
            text += process.stdout.readline()
        (url,) = re.findall(r"'(http://\S+/connections/connect/slack\S+)'", text)
        assert press_connect(url) == "Slack is connected."
        out, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, err) == (0, "")
    assert "An event came: connection.connected, slack." in out


def test_ctrl_c_ends_the_wait(person: Person) -> None:
    with person.start("demo", "--interactive") as process:
        assert process.stdout
        while "press Connect" not in process.stdout.readline():
            pass
        status, _, err = stop(process)

    assert (status, err) == (130, "")
