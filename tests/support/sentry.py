"""What Sentry reports of an application, in a process of its own, since it patches frameworks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

_INIT = """
import json, sentry_sdk
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber
from sentry_sdk.transport import Transport

class Kept(Transport):
    items = []

    def capture_envelope(self, envelope):
        self.items += [item.payload.json for item in envelope.items]

def report(app_integrations):
    sentry_sdk.init(
        "http://key@127.0.0.1:9/1",
        transport=Kept,
        traces_sample_rate=1.0,
        send_default_pii=True,
        max_value_length=100_000,
        auto_enabling_integrations=False,
        integrations=app_integrations,
        event_scrubber=EventScrubber([*DEFAULT_DENYLIST, "x-vendo-user-jwt"]),
    )

def show():
    sentry_sdk.flush()
    print(json.dumps(Kept.items, default=repr))
"""


#: Of a user of the application.
JWT = "canary.of-a.user"


def check_report(program: str, server: LocalVendo, **variables: str) -> None:
    """Check that the report of an error in a program's request has neither the JWT nor the key."""
    report = reported(program, JWT=JWT, **variables, **server.environment())
    assert "ZeroDivisionError" in report
    assert "x-vendo-user-jwt" in report.lower()
    for secret in (JWT, server.api_key, server.token("gmail", user=JWT)):
        assert secret not in report


def reported(program: str, **variables: str) -> str:
    """Run a program, which calls `report(integrations)`, its application and `show()`.

    Returns:
        What Sentry would have sent, as JSON. Its scrubber is set as docs/security.md shows.
    """
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", _INIT + program],
        env={**os.environ, **variables, "PYTHONPATH": tests},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
