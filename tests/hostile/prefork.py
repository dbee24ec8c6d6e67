"""A program that makes calls, forks workers, and makes more calls in all of them.

`raw` forks as uWSGI does, without Python's hooks, before the program has threads that are busy.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import vendo
from hostile.checks import TIMEOUT, Checks
from hostile.gate import Gate
from hostile.stamps import KEYS
from hostile.tasks import TaskCaller
from hostile.threads import ThreadCaller
from soak.findings import Findings
from support.raw_fork import raw_fork, wait_until_alone

_WORKERS = 3
_THREADS = 3
_TASKS = 6

SETTINGS: dict[str, Any] = {
    "timeout": TIMEOUT,
    "retry": vendo.RetryPolicy(2, backoff=0.01, max_backoff=0.05),
}


class Program:
    """Clients with both keys, made before the fork, and what all processes do with them."""

    def __init__(self, addresses: dict[str, str], how: str, seed: str) -> None:
        settings = {**addresses, **SETTINGS}
        self._roots = {name: vendo.Vendo(key, **settings) for name, key in KEYS.items()}
        self._async_roots = {
            name: vendo.AsyncVendo(key, transport="threads", **settings)
            for name, key in KEYS.items()
        }
        self._how = how
        self._seed = seed
        self._gate = Gate()

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Return what each process found."""
        fork = raw_fork if self._how == "raw" else os.fork
        findings = Findings()
        self._work(findings, "parent before", 0.3)  # so that there are kept connections
        busy = threading.Thread(target=self._work, args=[findings, "parent", seconds])
        if self._how == "raw":
            wait_until_alone()  # the fetches that were given up have ended, too
        else:
            busy.start()
        workers = [self._worker(fork, number, seconds) for number in range(_WORKERS)]
        if self._how == "raw":
            busy.start()
        busy.join()
        results = [_result(findings)]
        for child, reader in workers:
            results.append(_wait_for(child, reader, seconds))
        return results

    def _worker(self, fork: Any, number: int, seconds: float) -> tuple[int, int]:
        reader, writer = os.pipe()
        child = fork()
        if child == 0:
            try:
                faulthandler.register(signal.SIGUSR1, file=writer)  # shows where it hangs
                findings = Findings()
                self._work(findings, f"worker {number}", seconds)
                os.write(writer, json.dumps(_result(findings)).encode())
            finally:
                os._exit(0)
        os.close(writer)
        return child, reader

    def _work(self, findings: Findings, name: str, seconds: float) -> None:
        checks = Checks(findings, f"{self._how}, {name.partition(' ')[0]}")
        seed = f"{self._seed} {name}"
        end = time.monotonic() + seconds
        threads = [
            threading.Thread(
                target=self._call,
                args=[ThreadCaller(f"{seed} {number}", checks, self._gate, self._roots), end],
            )
            for number in range(_THREADS)
        ]
        tasks = [
            TaskCaller(f"{seed} task {number}", checks, self._gate, self._async_roots)
            for number in range(_TASKS)
        ]
        threads.append(threading.Thread(target=asyncio.run, args=[self._call_in_tasks(tasks, end)]))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + 30)
            if thread.is_alive():
                findings.blame(f"{checks.way}: a caller hangs")

    @staticmethod
    def _call(caller: ThreadCaller, end: float) -> None:
        while time.monotonic() < end:
            caller.call()

    @staticmethod
    async def _call_in_tasks(callers: list[TaskCaller], end: float) -> None:
        async def repeat(caller: TaskCaller) -> None:
            while time.monotonic() < end:
                await caller.call()

        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(repeat(caller))


def _result(findings: Findings) -> dict[str, Any]:
    return {"wrong": findings.wrong, "outcomes": findings.outcomes}


def _wait_for(child: int, reader: int, seconds: float) -> dict[str, Any]:
    """Return the result of a worker, or the place where it hangs."""
    timers = [
        threading.Timer(seconds + after, os.kill, [child, number])
        for after, number in ((40, signal.SIGUSR1), (42, signal.SIGKILL))
    ]
    for timer in timers:
        timer.start()
    with open(reader, "rb") as pipe:
        output = pipe.read().decode()
    os.waitpid(child, 0)
    for timer in timers:
        timer.cancel()
    with suppress(ValueError):
        result: dict[str, Any] = json.loads(output)
        return result
    return {"wrong": {f"A worker hung or died: {output}": 1}, "outcomes": {}}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    program = Program(given["addresses"], given["how"], given["seed"])
    sys.stdout.write(json.dumps(program.run(given["seconds"])))
    sys.stdout.flush()
    os._exit(0)
