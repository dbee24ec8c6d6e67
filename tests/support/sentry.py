"""What Sentry reports of an application, in a process of its own, since it patches frameworks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
