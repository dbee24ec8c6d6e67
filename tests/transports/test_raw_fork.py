"""A fork that runs no hook of Python, as uWSGI's: nothing of the parent is used in a child."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.children import Child
from support.ways import WAYS, Way
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

SLUGS = ["one", "two", "three", "four", "five"]
CHILDREN = 4

PRELUDE = """
import asyncio, ctypes, os, sys, threading, time
import vendo

way, slugs, expected = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
fork = ctypes.PyDLL(None).fork

def in_child(use):
    child = fork()
    if not child:
        try:
            use()
        except BaseException as problem:
            print(repr(problem), flush=True)
            os._exit(1)
        os._exit(0)
    return child

def ended(children):
    return all(os.waitpid(child, 0)[1] == 0 for child in children)
"""

TOKENS = (
    PRELUDE
    + """
if way == "blocking":
    get = vendo.token
else:
    client, inherited = vendo.AsyncVendo(transport=way), []
    loop = asyncio.new_event_loop()

    def get(slug):
        return loop.run_until_complete(client.token(slug))

def work(slug, token):
    def repeat():
        global loop
        if way != "blocking" and slug != slugs[0]:
            # Two processes cannot run the same one, and its end here would be felt in the parent.
            inherited.append(loop)
            loop = asyncio.new_event_loop()
        for _ in range(50):
            vendo.invalidate(slug)
            found = get(slug)
            assert found == token, (slug, found)
    return repeat

get(slugs[0])
while len(os.listdir("/proc/self/task")) > 1:
    time.sleep(0.05)  # CPython itself may hang if another thread is busy at a raw fork
works = [work(slug, token) for slug, token in zip(slugs, expected)]
children = [in_child(each) for each in works[1:]]
works[0]()
assert ended(children)
print("ok")
"""
)

STREAM = (
    PRELUDE
    + """
stream = vendo.events.subscribe()
next(stream)
watch = vendo.events.watch()
sys.stdin.readline()
# CPython itself hangs in a raw fork if another thread waits for its lock. This one waits for an
# event: it is seen doing so twice, and nothing comes between.
thread = watch._watcher._thread.ident
for _ in range(2):
    time.sleep(0.05)
    while sys._current_frames()[thread].f_code.co_name != "readinto":
        time.sleep(0.01)

def child():
    assert vendo.token(slugs[1]) == expected[1]
    print("child", flush=True)
    sys.stdin.readline()
    token = sys.stdin.readline().strip()
    while vendo.token(slugs[1]) != token:  # until the event has come
        time.sleep(0.01)
    assert watch.is_running
    stream.close()
    watch.stop()

assert ended([in_child(child)])
assert watch.is_running
print("forked", flush=True)
next(stream)
print("ok")
"""
)

APPLICATION = (
    PRELUDE
    + """
from vendo._client import event_watch
from vendo.web import AppWatch

client = vendo.Vendo()
watch = AppWatch(lambda: client, None, "")

def late():
    # The thread of the watch has done nothing yet when the fork is noticed.
    noticed = threading.Event()
    threading.settrace(lambda *_: noticed.wait(30) and None)
    watch.begin()
    assert watch.mode == "stream"
    noticed.set()

def meanwhile():
    # Another thread begins while this one notices the fork.
    begun = threading.Event()
    thread = threading.Thread(target=lambda: (watch.begin(), begun.set()))
    def trace(frame, *_):
        if frame.f_code is event_watch._after_fork.__code__:
            thread.start()
            assert begun.wait(30)
    sys.settrace(trace)
    vendo.invalidate(slugs[0])
    thread.join()

def child(begin):
    def work():
        begin()
        names = [each.name for each in threading.enumerate()]
        assert names.count("vendo-events") == 1, names
    return work

print("ok" if ended([in_child(child(late)), in_child(child(meanwhile))]) else "failed")
"""
)

LOCKED = (
    PRELUDE
    + """
from vendo._client import event_watch
from vendo._tokens.cache import shared
from vendo.web import AppWatch, ReplayCache

vendo.token(slugs[0])
client = vendo.Vendo()
watch, replay = AppWatch(lambda: client, None, ""), ReplayCache()
held, release = threading.Event(), threading.Event()

def hold():
    with event_watch._lock, shared._changes, replay._lock:
        held.set()
        release.wait(30)

thread = threading.Thread(target=hold)
thread.start()
held.wait()

def child():
    watch.begin()
    assert replay.add("evt_1", "done", 60) == "done"
    assert vendo.token(slugs[1]) == expected[1]

print("ok" if ended([in_child(child)]) else "failed")
release.set()
"""
)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=SLUGS) as server:
        yield server


def run(server: LocalVendo, program: str, way: str = "blocking") -> subprocess.Popen[str]:
    tokens = ",".join(server.token(slug) for slug in SLUGS)
    return Child(
        [sys.executable, "-W", "ignore", "-c", program, way, ",".join(SLUGS), tokens],
        env={**server.environment(), "PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.mark.parametrize("way", WAYS)
def test_children_of_a_raw_fork_get_their_own_tokens(server: LocalVendo, way: Way) -> None:
    with run(server, TOKENS, way) as process:
        output = output_of(process)

    assert output.splitlines()[:1] == ["ok"], output
    assert server.connections_opened >= 1 + CHILDREN


def test_child_of_a_raw_fork_does_not_use_a_lock_that_a_thread_holds(server: LocalVendo) -> None:
    with run(server, LOCKED) as process:
        output = output_of(process)

    assert output == "ok\n"


def test_an_application_watches_once_in_a_child_of_a_raw_fork(server: LocalVendo) -> None:
    with run(server, APPLICATION) as process:
        output = output_of(process)

    assert output == "ok\n"


def test_streams_and_watches_belong_to_their_process(server: LocalVendo) -> None:
    server.emit("connection.changed", slug="one")
    with run(server, STREAM) as process:
        assert process.stdout is not None
        assert process.stdin is not None

        def go_on(line: str = "") -> None:
            process.stdin.write(f"{line}\n")  # type: ignore[union-attr]  # it is a pipe
            process.stdin.flush()  # type: ignore[union-attr]  # the same

        server.wait_for_streams(1)
        server.emit("connection.changed", slug="one")
        server.wait_for_streams(2)
        go_on()
        assert process.stdout.readline() == "child\n"
        server.wait_for_streams(3)  # its own watch, since it fetched a token
        token = server.rotate("two")
        go_on()
        go_on(token)
        assert process.stdout.readline() == "forked\n"
        server.emit("connection.changed", slug="one")
        assert process.stdout.readline() == "ok\n"
