"""A client is closed while another thread creates the process's first session."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys, threading
import vendo

importing, go_on, died = threading.Event(), threading.Event(), []
threading.excepthook = died.append

class Gate:
    def find_spec(self, name, *_):
        if name == "vendo._sessions.hosts":  # the first import of a session module
            importing.set()
            go_on.wait(10)

sys.meta_path.insert(0, Gate())
{client}
first = threading.Thread(target=lambda: {session})
first.start()
assert importing.wait(10)
second = threading.Thread(target=lambda: {close})
second.start()
second.join(0.5)  # it may wait until the import is done
go_on.set()
first.join()
second.join()
assert not died, died[0].exc_value
"""
BLOCKING = {
    "client": "client = vendo.Vendo()",
    "session": "client.session('gmail').close()",
    "close": "client.close()",
}
ASYNC = {
    "client": """
client = vendo.AsyncVendo("vendo_sk_" + "k" * 32)

async def use():
    await (await client.session("gmail")).close()
    await client.aclose()
""",
    "session": "asyncio.run(use())",
    "close": "asyncio.run(client.aclose())",
}


@pytest.mark.parametrize("parts", [BLOCKING, ASYNC], ids=["blocking", "async"])
def test_client_is_closed_while_the_first_session_is_created(parts: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(**parts)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
