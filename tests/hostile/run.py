"""A run: callers of every kind, each kind with a server of its own, at the same time."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hostile.checks import Checks
from hostile.gate import Gate
from hostile.prefork import SETTINGS
from hostile.server import HostileServer
from hostile.stamps import KEYS
from hostile.tasks import TaskCaller, TaskSubscriber
from hostile.threads import ThreadCaller, ThreadSubscriber
from soak.findings import Findings
from soak.leaks import look_for_rest
from vendo import AsyncVendo, Vendo
from vendo._transports import threaded

if TYPE_CHECKING:
    from collections.abc import Callable

_TESTS = Path(__file__).parents[1]
#: Seconds between two moments in which what is late is sent.
_PACE = 0.3
#: Seconds in which what was sent reaches the other end of a loopback connection.
_ARRIVAL = 0.01
#: Seconds that idle threads and connections may take to end.
_PATIENCE = 20.0


@dataclass(frozen=True)
class Report:
    """The result of a run."""

    seed: int
    findings: Findings
    sent: Counter[str]
    #: Requests by the kind of their caller.
    requests: dict[str, int]
    seconds: float


class Group(ABC):
    """Callers of one kind, and their server, until the run ends."""

    way: ClassVar[str]

    def __init__(self, seed: int, findings: Findings, ended: threading.Event) -> None:
        self.server = HostileServer(seed, self.way)
        self.checks = Checks(findings, self.way)
        self._seed = f"{seed} {self.way}"
        self._findings = findings
        self._ended = ended
        self._gate = Gate()

    def run(self) -> None:
        with self.server:
            self._run()

    @abstractmethod
    def _run(self) -> None:
        """Let the callers of this group call until the end."""

    def _keep_sending_late(self) -> None:
        while not self._ended.wait(_PACE):
            if not self._gate.close(_PATIENCE):
                self._findings.blame(f"{self.way}: calls do not end")
            else:
                self.server.send_late()
                time.sleep(_ARRIVAL)
            self._gate.open()


class Blocking(Group):
    """Threads that share two blocking clients."""

    way = "blocking"

    def _run(self) -> None:
        roots = {name: Vendo(k, **self.server.addresses, **SETTINGS) for name, k in KEYS.items()}
        calls: list[Callable[[], None]] = []
        for number in range(12):
            caller = ThreadCaller(f"{self._seed} {number}", self.checks, self._gate, roots)
            calls.append(caller.call)
        for number in range(2):
            calls.append(ThreadSubscriber(f"{self._seed} s{number}", self.checks, roots).call)
        threads = [threading.Thread(target=self._repeat, args=[call]) for call in calls]
        threads.append(threading.Thread(target=self._keep_sending_late))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for root in roots.values():
            root.close()

    def _repeat(self, call: Callable[[], None]) -> None:
        while not self._ended.is_set():
            call()


class Threaded(Group):
    """Tasks that share two asyncio clients on the standard library."""

    way = "threads"

    def _run(self) -> None:
        late = threading.Thread(target=self._keep_sending_late)
        late.start()
        asyncio.run(self._main())
        late.join()

    async def _main(self) -> None:
        self._gate.loop = asyncio.get_running_loop()
        self._gate.loop.set_exception_handler(self._findings.loop_complained)
        roots = {
            name: AsyncVendo(k, transport=self.way, **self.server.addresses, **SETTINGS)  # type: ignore[arg-type]  # one of its names
            for name, k in KEYS.items()
        }
        callers: list[TaskCaller | TaskSubscriber] = []
        for number in range(30):
            callers.append(TaskCaller(f"{self._seed} {number}", self.checks, self._gate, roots))
        for number in range(3):
            callers.append(TaskSubscriber(f"{self._seed} s{number}", self.checks, roots))
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(self._repeat(caller))
        for root in roots.values():
            await root.aclose()

    async def _repeat(self, caller: TaskCaller | TaskSubscriber) -> None:
        while not self._ended.is_set():
            await caller.call()


class Aiohttp(Threaded):
    """Tasks that share two asyncio clients on aiohttp."""

    way = "aiohttp"


class Forked(Group):
    """Workers that were forked after calls. Their calls are not held back, so nothing is late."""

    way = "fork"

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            given = {
                "addresses": self.server.addresses,
                "how": self.way,
                "seed": f"{self._seed} {number}",
                "seconds": 2.0,
            }
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "hostile.prefork", json.dumps(given)],
                cwd=_TESTS,
                capture_output=True,
                text=True,
                timeout=240,
            )
            if done.returncode:
                self._findings.blame(f"{self.way}: the program failed: {done.stderr[-3000:]}")
                return
            for result in json.loads(done.stdout):
                self._findings.wrong.update(result["wrong"])
                self._findings.outcomes.update(result["outcomes"])


class RawForked(Forked):
    """Workers of a fork without Python's hooks."""

    way = "raw"


_GROUPS: tuple[type[Group], ...] = (Blocking, Threaded, Aiohttp, Forked, RawForked)


def fuzz(seconds: float, seed: int, groups: tuple[type[Group], ...] = _GROUPS) -> Report:
    """Run for so many seconds."""
    threaded.IDLE_SECONDS = 1.0  # so that the run ends quickly
    begin = time.monotonic()
    with Findings() as findings:
        before = _held()
        ended = threading.Event()
        made = [group(seed, findings, ended) for group in groups]
        threads = [threading.Thread(target=group.run, name=group.way) for group in made]
        for thread in threads:
            thread.start()
        stall = _longest_stall(seconds)
        ended.set()
        for thread in threads:
            thread.join(120)
            if thread.is_alive():
                findings.blame(f"{thread.name}: callers hang")
        for group in made:
            group.checks.stall = stall
            group.checks.report_overdue()
        _look_for_leaks(before, findings)
        look_for_rest(findings)
    sent = sum((group.server.sent for group in made), Counter[str]())
    requests = {group.way: group.server.count for group in made}
    return Report(seed, findings, sent, requests, time.monotonic() - begin)


def _longest_stall(seconds: float) -> float:
    """Wait so many seconds. Return for how long at most this thread could not run."""
    end = time.monotonic() + seconds
    longest = 0.0
    while (now := time.monotonic()) < end:
        time.sleep(0.1)
        longest = max(longest, time.monotonic() - now - 0.1)
    return longest


def _held() -> tuple[int, int]:
    """Count the threads and the descriptors."""
    gc.collect()
    return threading.active_count(), sum(1 for _ in Path("/dev/fd").iterdir())


def _look_for_leaks(before: tuple[int, int], findings: Findings) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (after := _held()) > before or after[1] > before[1]:
        if time.monotonic() > deadline:
            names = sorted(thread.name for thread in threading.enumerate())
            findings.blame(f"Threads and descriptors: {before}, now {after}. Threads: {names}")
            return
        time.sleep(0.1)
