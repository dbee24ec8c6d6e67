"""Children of a fork without Python's hooks, such as uWSGI's, use no connection of their parent."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

#: A parent has a kept connection. Four children send requests at the same time, and each response
#: says whose request it answers. Then the parent sends more.
PROGRAM = """
import asyncio, ctypes, os, sys

CHILDREN, REQUESTS = 4, 25

def check(sender, number):
    seen = send(f"{sender}-{number}")
    assert seen == f"{sender}-{number}", f"{sender} read the response of {seen}"

def in_child(number, start, report):
    try:
        os.read(start, 1)
        for one in range(REQUESTS):
            check(f"child-{number}", one)
        os.write(report, b"fine\\n")
    except BaseException as error:
        os.write(report, f"child {number}: {type(error).__name__}: {error}"[:400].encode() + b"\\n")
    finally:
        os._exit(0)

def main(in_parent=REQUESTS):
    check("parent", 0)
    start, go = os.pipe()
    reports, report = os.pipe()
    fork = ctypes.PyDLL(None).fork
    for number in range(CHILDREN):
        if fork() == 0:
            in_child(number, start, report)
    os.close(report)
    os.write(go, b"x" * CHILDREN)
    for one in range(in_parent):
        check("parent", one)
    with open(reports) as lines:
        found = lines.read().splitlines()
    assert found == ["fine"] * CHILDREN, found
    for _ in range(CHILDREN):
        assert os.wait()[1] == 0
    check("parent", "last")
"""

BLOCKING = """
import vendo
session = vendo.session(sys.argv[1])
def send(name):
    return session.get("x", params={"n": name}, timeout=10).json()["query"]["n"]
main()
"""

AIOHTTP = """
import aiohttp, vendo
loop = asyncio.new_event_loop()
client = vendo.AsyncVendo()
session = loop.run_until_complete(client.session(sys.argv[1]))
async def get(name):
    timeout = aiohttp.ClientTimeout(total=10)
    async with session.get("x", params={"n": name}, timeout=timeout) as response:
        return (await response.json())["query"]["n"]
def send(name):
    return loop.run_until_complete(get(name))
main(in_parent=0)  # asyncio itself cannot run one event loop in two processes
loop.run_until_complete(session.close())
loop.run_until_complete(client.aclose())
loop.close()
"""

#: Sessions that the children make, in an event loop of their own.
AIOHTTP_ANEW = """
import aiohttp, vendo
client = vendo.AsyncVendo()
async def get(name):
    timeout = aiohttp.ClientTimeout(total=10)
    async with await client.session(sys.argv[1]) as session:
        async with session.get("x", params={"n": name}, timeout=timeout) as response:
            return (await response.json())["query"]["n"]
def send(name):
    return asyncio.run(get(name))
main()
"""

STARLETTE = """
import vendo
from vendo_starlette.httpx_clients import Pools, make_httpx
loop = asyncio.new_event_loop()
client = vendo.AsyncVendo()
pools = Pools()
async def get(name):
    http = make_httpx(client, pools, sys.argv[1])
    response = await http.get("x", params={"n": name}, timeout=10)
    return response.json()["query"]["n"]
def send(name):
    return loop.run_until_complete(get(name))
main(in_parent=0)  # asyncio itself cannot run one event loop in two processes
loop.run_until_complete(pools.aclose())
loop.run_until_complete(client.aclose())
loop.close()
"""


@pytest.mark.parametrize("slug", ["gmail", "telegram"])
@pytest.mark.parametrize(
    "library",
    [BLOCKING, AIOHTTP, AIOHTTP_ANEW, STARLETTE],
    ids=["requests", "aiohttp", "new aiohttp sessions", "starlette"],
)
def test_no_child_reads_the_response_of_another(
    library: str, slug: str, server: LocalVendo
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + library, slug],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
