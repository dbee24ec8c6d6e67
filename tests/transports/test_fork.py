"""A forked child shares no connection and no lock with its parent."""

from __future__ import annotations

import subprocess
import sys
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vendo._transports.fork import _resets, on_fork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo


@contextmanager
def program(server: LocalVendo, text: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program with the server's environment; it must end well within 30 seconds."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", text],
        env=server.environment() | {"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            try:
                out, err = process.communicate(timeout=30)
            finally:
                process.kill()
            assert (process.returncode, err) == (0, ""), out + err


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


KEPT = """
import os, vendo
vendo.billing.balance()
child = os.fork()
for _ in range(20):
    assert vendo.billing.balance().credits_remaining_micros == 5_000_000
    assert vendo.billing.spend_caps().used_today_micros == 0
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
vendo.billing.balance()
"""


def test_parent_and_child_never_write_into_one_connection(server: LocalVendo) -> None:
    with program(server, KEPT):
        pass

    assert server.count("api") == 1 + 2 * 40 + 1
    assert server.connections_opened == 2


MIDDLE = """
import os, sys, threading, vendo
vendo.token("openai")
threading.Thread(target=vendo.token, args=["gmail"]).start()
sys.stdin.readline()
child = os.fork()
if not child:
    print(vendo.token("gmail"), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_child_forked_during_a_fetch_makes_its_own(server: LocalVendo) -> None:
    with server.hold("credentials", "gmail") as gate, program(server, MIDDLE) as process:
        gate.wait_for(1)
        go_on(process)
        gate.wait_for(2)  # the child waits for its own fetch only
        gate.release()
        assert line(process) == server.token("gmail")


STREAM = """
import os, sys, threading, vendo
stream = vendo.events.subscribe()
def read():
    for event in stream:
        os.write(1, f"{event.type}\\n".encode())  # no lock that the child would inherit
threading.Thread(target=read, daemon=True).start()
sys.stdin.readline()
child = os.fork()
if not child:
    stream.close()
    vendo.token("gmail")
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print("child ended", flush=True)
sys.stdin.readline()
stream.close()
"""


def test_child_that_closes_the_parents_stream_leaves_it_open_in_the_parent(
    server: LocalVendo,
) -> None:
    with program(server, STREAM) as process:
        server.wait_for_streams(1)
        server.emit("before.fork")
        assert line(process) == "before.fork"
        go_on(process)
        assert line(process) == "child ended"
        server.emit("after.fork")
        assert line(process) == "after.fork"
        go_on(process)
    assert server.count("events") == 1


GOES_ON = """
import os, sys, vendo
stream = vendo.events.subscribe()
print(next(stream).type, flush=True)
child = os.fork()
if not child:
    print(next(stream).type, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
stream.close()
"""


def test_child_that_keeps_iterating_uses_its_own_connection(
    server: LocalVendo,
) -> None:
    with program(server, GOES_ON) as process:
        server.wait_for_streams(1)
        first = server.emit("first")
        assert line(process) == "first"
        server.wait_for_streams(2)
        server.emit("second")
        assert line(process) == "second"
    streams = [request for request in server.requests if request.surface == "events"]
    assert [request.headers.get("Last-Event-ID") for request in streams] == [None, first]


WATCH = """
import os, sys, vendo
client = vendo.Vendo()
watch = client.events.watch()
sys.stdin.readline()
child = os.fork()
if not child:
    old = client.token("gmail")
    print(old, flush=True)
    while (new := client.token("gmail")) == old:
        pass
    print(new, watch.is_running, flush=True)
    watch.stop()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("parent", watch.is_running, flush=True)
watch.stop()
"""


def test_child_watches_on_its_own_connection(server: LocalVendo) -> None:
    with program(server, WATCH) as process:
        server.wait_for_streams(1)
        go_on(process)
        server.wait_for_streams(2)
        assert line(process) == server.token("gmail")
        new = server.rotate("gmail")
        assert line(process) == f"{new} True"
        assert line(process) == "parent True"
    server.wait_for_streams(0)


def test_collected_owner_is_not_reset() -> None:
    class Owner:
        pass

    import gc

    owner = Owner()
    kept = weakref.ref(owner)
    on_fork(owner, lambda _: None)
    assert owner in _resets
    del owner
    gc.collect()
    assert kept() is None


FAILING = """
import os
from vendo._transports.fork import on_fork

class Thing:
    is_reset = False

things = [Thing() for _ in range(9)]

def reset(thing):
    thing.is_reset = True
    raise OSError("not this one")

for thing in things:
    on_fork(thing, reset)
child = os.fork()
if not child:
    os._exit(0 if all(thing.is_reset for thing in things) else 1)
assert os.waitpid(child, 0)[1] == 0
assert not any(thing.is_reset for thing in things)
"""


def test_failing_reset_does_not_stop_the_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("not this one") == 1  # the error is reported


ENDED = """
import os, vendo
stream = vendo.events.subscribe()
next(stream)
kept = stream._stream
stream.close()
child = os.fork()
if not child:
    stream.close()
    assert list(stream) == []
    assert vendo.token("gmail")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert kept is not None
"""


def test_child_ignores_a_stream_closed_before_the_fork(server: LocalVendo) -> None:
    server.emit("connection.changed", slug="gmail")
    with program(server, ENDED):
        server.wait_for_streams(1)
        server.emit("connection.changed", slug="gmail")
