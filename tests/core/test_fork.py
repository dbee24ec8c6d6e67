"""A child of `os.fork()`: no inherited lock, connection or fetch, and a cache that works.

Each case is a program of its own, so that pytest's process is not the one that forks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from support.children import Child

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

PRELUDE = """
import os, signal, sys, threading, time, warnings
import vendo

warnings.simplefilter("ignore", DeprecationWarning)  # forks while threads run: that is the point
client = vendo.Vendo()

def in_child(call):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # ends a hanging child without output
        began = time.monotonic()
        try:
            result = call()
        except BaseException as error:
            result = repr(error)
        os.write(writer, f"{result} {time.monotonic() - began:.1f}".encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as output:
        text, seconds = output.read().rsplit(" ", 1)
    os.waitpid(pid, 0)
    assert float(seconds) < 15.0, f"{text} after {seconds} s"
    return text
"""

IN_THE_MIDDLE = (
    PRELUDE
    + """
threads = [threading.Thread(target=client.token, args=["gmail"]) for _ in range(10)]
for thread in threads:
    thread.start()
sys.stdin.readline()  # the first thread waits for the backend, the others for the first
print(in_child(lambda: client.token("gmail")), flush=True)
print(in_child(lambda: client.tokens(["gmail", "slack"])["gmail"]), flush=True)
for thread in threads:
    thread.join()
print(client.token("gmail"), flush=True)
"""
)

KEPT = (
    PRELUDE
    + """
first = client.token("gmail")
print(in_child(lambda: client.token("gmail")), flush=True)
print(in_child(lambda: client.token("slack")), flush=True)
print(client.token("openai"), flush=True)  # on the connection that the parent keeps
"""
)

LOCKED = (
    PRELUDE
    + """
from vendo._tokens import cache as token_cache
from vendo._client import platform_flows

client.token("gmail")
with token_cache.shared._changes:
    print(in_child(lambda: client.token("slack")), flush=True)
    print(in_child(lambda: client.connections.connected_slugs()), flush=True)
    print(in_child(lambda: client.invalidate("gmail") or client.token("gmail")), flush=True)
"""
)

IMPORTING = (
    PRELUDE
    + """
from importlib.machinery import PathFinder

importing, go_on, parent = threading.Event(), threading.Event(), os.getpid()

class Gate(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        spec = super().find_spec(name, path, target)
        if name == sys.argv[1] and os.getpid() == parent:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (
                importing.set(), go_on.wait(10), execute(module)
            )
        return spec

sys.meta_path.insert(0, Gate)
first = threading.Thread(target=client.token, args=["gmail"])
first.start()
assert importing.wait(10), f"{sys.argv[1]} was imported before"
print(in_child(lambda: client.token("gmail")), flush=True)
print(in_child(lambda: client.tokens(["slack"])["slack"]), flush=True)
go_on.set()
first.join()
assert client.token("gmail") == client.token("gmail")
"""
)

GENERATIONS = (
    PRELUDE
    + """
print(in_child(lambda: in_child(lambda: in_child(lambda: client.token("gmail")))), flush=True)
"""
)


def start(program: str, server: LocalVendo, *arguments: str) -> subprocess.Popen[str]:
    return Child(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **server.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def output_of(program: str, server: LocalVendo, *arguments: str) -> list[str]:
    with start(program, server, *arguments) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return output.splitlines()


def test_child_forked_during_a_fetch_gets_a_token(server: LocalVendo) -> None:
    token = server.token("gmail")
    server.fail("credentials", latency=30.0)  # the parent's fetch; the children's get a response
    with start(IN_THE_MIDDLE, server) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        server.wait_for_requests(1)
        program.stdin.write("fork\n")
        program.stdin.flush()
        assert [program.stdout.readline().strip() for _ in range(2)] == [token] * 2
        server.reset()  # ends the slow response: the parent tries again, and is served
        assert program.stdout.readline().strip() == token
        assert program.wait(10) == 0


def test_a_child_has_the_parents_tokens_and_its_own_connections(server: LocalVendo) -> None:
    lines = output_of(KEPT, server)
    assert lines == [server.token("gmail"), server.token("slack"), server.token("openai")]
    assert [request.slug for request in server.requests] == ["gmail", "slack", "openai"]
    assert server.connections_opened == 2  # the parent's kept one, and one child's


def test_lock_of_another_thread_is_not_inherited(server: LocalVendo) -> None:
    assert output_of(LOCKED, server) == [
        server.token("slack"),
        "['gmail', 'openai', 'slack']",
        server.token("gmail"),
    ]


@pytest.mark.parametrize(
    "module",
    [
        "vendo._tokens.refresh",
        "vendo._protocol.credentials",
        "http.client",
        "vendo._transports.driver",
        "ssl",
    ],
)
def test_child_imports_a_module_that_another_thread_was_importing(
    server: LocalVendo, module: str
) -> None:
    assert output_of(IMPORTING, server, module) == [server.token("gmail"), server.token("slack")]


def test_child_of_a_child_works(server: LocalVendo) -> None:
    assert output_of(GENERATIONS, server) == [server.token("gmail")]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_client_works_in_a_process_pool(server: LocalVendo, method: str) -> None:
    program = f"""
import multiprocessing, warnings
import vendo

warnings.simplefilter("ignore", DeprecationWarning)

if __name__ == "__main__":
    client = vendo.Vendo()
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(set(pool.map(client.token, ["gmail"] * 4)))
"""
    assert output_of_file(program, server) == [f"{{'{server.token('gmail')}'}}"]


def output_of_file(program: str, server: LocalVendo) -> list[str]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(program)
        done = subprocess.run(
            [sys.executable, str(path)],
            env={**os.environ, **server.environment()},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
