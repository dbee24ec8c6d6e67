"""The programs of the page about providers' packages run as they are written."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stripe

from manual.blocks import blocks_of
from manual.reader import Reader
from sdks.recipes import sections
from support.internet import internet

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

HEADINGS = (
    *("stripe", "slack_sdk and Bolt", "PyGithub"),
    *("notion-client", "google-api-python-client"),
)


# The page is about the newest releases. Those of older.txt lack some of what it shows.
if "session" in inspect.signature(stripe.AIOHTTPClient).parameters:

    @pytest.mark.parametrize("heading", HEADINGS)
    def test_programs_of_a_section_run(server: LocalVendo, tmp_path: Path, heading: str) -> None:
        # Sessions reach the local server. What sends requests itself finds its hosts here too.
        with internet(server) as net:
            address = {name: os.environ[name] for name in os.environ if name.startswith("VENDO_")}
            environment = {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "LANG": "C.UTF-8",
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
                **net.environment,
                **address,
            }
            with Reader(server, {"vendo": environment}, tmp_path) as reader:
                for block in blocks_of(sections()[heading], heading):
                    reader.read(block)


@pytest.mark.parametrize("heading", HEADINGS)
def test_programs_of_a_section_are_short(heading: str) -> None:
    for block in blocks_of(sections()[heading], heading):
        assert len([line for line in block.text.splitlines() if line.strip()]) <= 14
