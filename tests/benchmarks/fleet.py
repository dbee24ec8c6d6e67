"""Figures of a fleet with one Redis: how fast all learn of a change, and what a watch costs."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import uniform
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.harness import Figure, Spread, clean_environment, exactly, spread
from support.redis_server import redis_server
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROCESSES = 40
_CHANGES = 40
_MEMORY_ROUNDS = 15
_CALL_ROUNDS = 1000

#: Processes that print when they have dealt with a change. No fetch is part of it: none asks for
#: its token again.
_LEARNING = f"""
import os, sys, time, vendo
from vendo._client.watched_tokens import WatchedTokens
replaced = WatchedTokens.replaced
def noted(*arguments):
    replaced(*arguments)
    os.write(1, f"{{os.getpid()}} {{time.monotonic()}}\\n".encode())
WatchedTokens.replaced = noted
members = []
for _ in range({_PROCESSES}):
    pid = os.fork()
    if pid == 0:
        vendo.token("gmail")
        with vendo.events.watch():
            os.write(1, b"ready\\n")
            os.read(0, 1)
        os._exit(0)
    members.append(pid)
for pid in members:
    os.waitpid(pid, 0)
"""

#: What both sides of a comparison do first: each has a connected client of `redis`.
_START = """
import gc, os, sys, time, vendo, redis

plain = redis.Redis.from_url(os.environ["VENDO_REDIS_URL"])
plain.ping()
vendo.token("gmail")
"""
#: It reads for some seconds, and has dealt with a change. The other side has fetched twice, too.
_WATCHING = """
plain.close()
running = vendo.events.watch()
print("ready", flush=True)
sys.stdin.readline()
"""
_NOT_WATCHING = """
print("ready", flush=True)
sys.stdin.readline()
vendo.invalidate("gmail")
"""
_WEIGH = """
vendo.token("gmail")
gc.collect()
lines = open("/proc/self/smaps_rollup").read().splitlines()
private = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
print(private * 1024, len(os.listdir("/proc/self/task")), flush=True)
"""
_CALL = """
token, clock = vendo.token, time.perf_counter
token("gmail")
for _ in sys.stdin:
    begin = clock()
    for _ in range(2000):
        token("gmail")
    print(clock() - begin, flush=True)
"""


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    with (
        TemporaryDirectory() as folder,
        LocalVendo(connections=["gmail"]) as server,
        redis_server(Path(folder)) as redis,
    ):
        url = f"redis://127.0.0.1:{redis.port}/0"
        environment = {**server.environment(), "VENDO_REDIS_URL": url}
        yield Figure(
            f"from a change to the last of {_PROCESSES} processes that learns of it, over Redis",
            "no baseline",
            _learning(server, environment),
            200,
            "ms",
        )
        # This process leads. So the others do not.
        with server.client() as client, client.events.watch(redis_url=url):
            server.wait_for_streams(1, timeout=60)
            memory, threads = _weights(server, environment)
            yield Figure(
                "memory of a process that watches events over Redis",
                "a connected `redis.Redis`",
                memory,
                1,
                "MB more",
            )
            yield Figure(
                "threads of a process that watches events over Redis",
                "a connected `redis.Redis`",
                threads,
                1,
                "more",
            )
            yield Figure(
                "`token()` cached in a process that watches events over Redis",
                "in one without a watch",
                _calls(environment),
                1.1,
            )


@contextmanager
def _running(program: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program that ends at the end of its input, and wait for its end."""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=clean_environment(**environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield process  # the end of `Popen` closes its input, and waits


def _learning(server: LocalVendo, environment: dict[str, str]) -> Spread:
    """Return the milliseconds until the last process has dealt with a change."""
    found = []
    with _running(_LEARNING, environment) as fleet:
        assert fleet.stdout
        for _ in range(_PROCESSES):
            assert fleet.stdout.readline() == "ready\n"
        server.wait_for_streams(1, timeout=60)
        for number in range(_CHANGES + 2):
            time.sleep(uniform(0.2, 0.6))  # at any moment of the second in which a lease is renewed
            begin = time.monotonic()
            server.rotate("gmail")
            lines = [fleet.stdout.readline().split() for _ in range(_PROCESSES)]
            assert len({pid for pid, _ in lines}) == _PROCESSES
            last = max(float(at) for _, at in lines)
            if number >= 2:  # the first ones are not yet kept in memory
                found.append((last - begin) * 1000)
    return spread(found)


def _weights(server: LocalVendo, environment: dict[str, str]) -> tuple[Spread, Spread]:
    """Return how many megabytes and threads more a process has that watches."""
    megabytes, threads = [], set()
    for _ in range(_MEMORY_ROUNDS):
        with (
            _running(_START + _WATCHING + _WEIGH, environment) as ours,
            _running(_START + _NOT_WATCHING + _WEIGH, environment) as plain,
        ):
            for process in (ours, plain):
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
            server.rotate("gmail")
            time.sleep(2.5)  # within two seconds, the token is due again
            (one, ours_), (other, theirs) = (_weight(process) for process in (ours, plain))
            megabytes.append((one - other) / 1e6)
            threads.add(ours_ - theirs)
    return spread(megabytes), exactly(max(threads))


def _weight(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Return the bytes that a process shares with no other, and its threads."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    private, threads = process.stdout.readline().split()
    return int(private), int(threads)


def _calls(environment: dict[str, str]) -> Spread:
    """Return the time of a cached token with a watch, divided by that without."""
    ratios = []
    with ExitStack() as stack:
        programs = (_START + _WATCHING + _CALL, _START + _NOT_WATCHING + _CALL)
        sides = [stack.enter_context(_running(program, environment)) for program in programs]
        for side in sides:
            assert side.stdin
            assert side.stdout
            assert side.stdout.readline() == "ready\n"
            side.stdin.write("\n")
            _seconds_of(side)
        order = [0, 1]
        for _ in range(_CALL_ROUNDS):
            order.reverse()
            took = {i: _seconds_of(sides[i]) for i in order}
            ratios.append(took[0] / took[1])
    return spread(ratios)


def _seconds_of(side: subprocess.Popen[str]) -> float:
    assert side.stdin
    assert side.stdout
    side.stdin.write("\n")
    return float(side.stdout.readline())
