"""Groups of watching processes, and what each of them sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from support.servers import surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from support.redis_server import RedisServer
    from vendo.testing import LocalVendo

#: Seconds for what takes a moment here, and longer on a busy machine.
PATIENCE = 60.0


@dataclass
class Sight:
    """What a member saw last: its token, the mode of its watch, and whether it leads."""

    token: str
    mode: str
    leads: bool
    at: float
    threads: int
    memory: int


class Fleet:
    """The members of all groups."""

    def __init__(self, server: LocalVendo) -> None:
        self._server = server
        self._seen: dict[int, Sight] = {}
        self._halted: set[int] = set()
        #: All sights so far, with the ids of the processes.
        self.sights: list[tuple[int, Sight]] = []
        self._changed = Condition()
        self._groups: list[subprocess.Popen[str]] = []
        self._readers: list[Thread] = []
        self.size = 0

    def start(self, n: int, environment: Mapping[str, str], **options: str) -> None:
        """Start a group with an environment of its own."""
        group = subprocess.Popen(
            [sys.executable, "-m", "fleet.group", str(n), json.dumps(options)],
            env=surroundings(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._groups.append(group)
        self.size += n
        reader = Thread(target=self._read, args=[group], daemon=True)
        self._readers.append(reader)
        reader.start()

    def start_two_groups(self, n: int, redis: RedisServer, **options: str) -> None:
        """Start two groups with `n` members in all, which share a Redis."""
        for number in range(2):
            environment = {**self._server.environment(), "GROUP": str(number)}
            environment["VENDO_REDIS_URL"] = f"redis://127.0.0.1:{redis.port}/0"
            self.start(n // 2, environment, **options)

    def wait(self, what: Callable[[list[Sight]], bool], timeout: float = PATIENCE) -> float:
        """Wait until something is true of all members but halted ones. Return the seconds.

        Raises:
            AssertionError: it is not.
        """
        begun = time.monotonic()
        with self._changed:
            if not self._changed.wait_for(
                lambda: len(self._seen) == self.size and what(self._awake()), timeout
            ):
                raise AssertionError(f"{self}, {self._server.open_streams} streams")
        return time.monotonic() - begun

    def wait_for_token(self, token: str, timeout: float = PATIENCE) -> float:
        return self.wait(lambda all_: all(each.token == token for each in all_), timeout)

    def wait_for_mode(self, *modes: str, timeout: float = PATIENCE) -> float:
        return self.wait(lambda all_: {each.mode for each in all_} <= {*modes}, timeout)

    def _awake(self) -> list[Sight]:
        return [seen for pid, seen in self._seen.items() if pid not in self._halted]

    def wait_for_leader(self, timeout: float = PATIENCE) -> float:
        """Wait until one member leads, and no other."""
        return self.wait(lambda all_: sum(each.leads for each in all_) == 1, timeout)

    def modes(self) -> Counter[str]:
        with self._changed:
            return Counter(each.mode for each in self._seen.values())

    def kill(self, which: Callable[[Sight], bool]) -> None:
        """Kill the members for which a condition is true."""
        with self._changed:
            for pid in [pid for pid, seen in self._seen.items() if which(seen)]:
                os.kill(pid, signal.SIGKILL)
                del self._seen[pid]
                self.size -= 1

    @contextmanager
    def halted(self, which: Callable[[Sight], bool]) -> Iterator[None]:
        """Have the members stand still for which a condition is true."""
        with self._changed:
            self._halted = {pid for pid, seen in self._seen.items() if which(seen)}
        for pid in self._halted:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with self._changed:
                halted, self._halted = self._halted, set()
            for pid in halted:
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop all members, and wait until none is left.

        Raises:
            AssertionError: one ended by itself, or is left.
        """
        groups, self._groups = self._groups, []
        try:
            for group in groups:
                assert group.stdin
                group.stdin.close()
            ends = [group.wait(PATIENCE) for group in groups]
        finally:
            for group in groups:
                with suppress(ProcessLookupError):  # as it should be
                    os.killpg(group.pid, signal.SIGKILL)
                group.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for group in groups:
            assert group.stdout
            group.stdout.close()
        assert not any(ends), ends
        for pid in {pid for pid, _ in self.sights}:
            assert not Path(f"/proc/{pid}").exists(), pid

    def __str__(self) -> str:
        tokens = Counter(each.token[-6:] for each in self._seen.values())
        return f"{len(self._seen)} of {self.size} members: {self.modes()}, {tokens}"

    def _read(self, group: subprocess.Popen[str]) -> None:
        assert group.stdout
        for line in group.stdout:
            seen: dict[str, Any] = json.loads(line)
            with self._changed:
                pid = seen.pop("pid")
                sight = self._seen[pid] = Sight(**seen)
                self.sights.append((pid, sight))
                self._changed.notify_all()


@contextmanager
def fleet_of(server: LocalVendo) -> Iterator[Fleet]:
    """Stop the members at the end, whatever happens."""
    fleet = Fleet(server)
    try:
        yield fleet
    finally:
        fleet.stop()
