"""`events`: one line for each event, until Ctrl-C or until the output is closed."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from cli.command import SECONDS, read_until, stop

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo


def test_each_event_is_printed_as_it_arrives(deployed: Shell, server: LocalVendo) -> None:
    with deployed.start("events") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        server.connect("notion")
        first = read_until(process, "\n").split()
        server.emit("billing.cap_warned", window="daily", pct=80)
        second = read_until(process, "\n").split()
        status, rest, err = stop(process)

    assert first[1:3] == ["connection.connected", "slug=notion"]
    assert second[1:] == ["billing.cap_warned", "window=daily", "pct=80"]
    assert (status, rest) == (0, "")
    assert err == "Waiting for events. Press Ctrl-C to stop.\n"
    server.wait_for_streams(0, timeout=SECONDS)


def test_json_events_are_one_object_a_line(deployed: Shell, server: LocalVendo) -> None:
    with deployed.start("events", "--json") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        event_id = server.emit("billing.balance_changed", remaining_micros=5)
        event = json.loads(read_until(process, "\n"))
        stop(process)

    assert event["type"] == "billing.balance_changed"
    assert event["id"] == event_id
    assert event["data"]["remaining_micros"] == 5


def test_control_sequences_of_an_event_are_removed(deployed: Shell, server: LocalVendo) -> None:
    deployed.env["PYTHONIOENCODING"] = "ascii"
    with deployed.start("events") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        server.emit("billing.cap_warned", window="\x1b[2J\ncaf\u00e9")
        line = read_until(process, "\n")
        stop(process)

    assert line.endswith("window= [2J caf\\xe9\n")


def test_ctrl_c_before_the_first_event_exits_with_0(deployed: Shell, server: LocalVendo) -> None:
    with server.hold("events"), deployed.start("events") as process:
        server.wait_for_requests(1, "events", timeout=SECONDS)
        status, out, err = stop(process)

    assert (status, out) == (0, "")
    assert "Traceback" not in err


def test_events_stops_when_the_output_is_closed(deployed: Shell, server: LocalVendo) -> None:
    with deployed.start("events") as process:
        server.wait_for_streams(1, timeout=SECONDS)
        assert process.stdout
        process.stdout.close()
        server.emit("billing.cap_warned", window="daily")

        assert process.wait(SECONDS) == 128 + signal.SIGPIPE
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_rejected_key_stops_events(deployed: Shell, server: LocalVendo) -> None:
    server.revoke_key()

    done = deployed.vendo("events")

    assert done.returncode == 1
    assert "error: Invalid or revoked token\nfix: Check VENDO_API_KEY" in done.stderr


def test_events_without_api_key_fails(shell: Shell) -> None:
    done = shell.vendo("events")

    assert (done.returncode, done.stdout) == (1, "")
    assert "VENDO_API_KEY" in done.stderr
