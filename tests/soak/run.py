"""A run: a warm-up round, a count of what is held, two long rounds, and another count.

The second long round is over TLS.
"""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from soak.chaos import Chaos
from soak.env_files import EnvFiles
from soak.findings import Findings
from soak.forks import Forks
from soak.leaks import Held, compare, held, look_for_rest
from soak.main_thread import MainThread
from soak.tasks import TaskWorker
from soak.threads import ThreadWorker
from soak.world import SLUGS, World
from vendo._tokens.entry import LONGEST_TRUST
from vendo._transports import threaded

if TYPE_CHECKING:
    from vendo import AsyncVendo, Vendo


@dataclass(frozen=True)
class Size:
    """How much runs at the same time."""

    threads: int = 20
    tasks: int = 200
    #: Seconds between two forks.
    fork_pace: float = 0.5


@dataclass(frozen=True)
class Report:
    """The result of a run."""

    seed: int
    findings: Findings
    faults: int
    requests: int
    stall: float
    before: Held
    after: Held
    seconds: float


def soak(seconds: float, seed: int, size: Size, warm_up: float | None = None) -> Report:
    """Run for `seconds`, after `warm_up` seconds of warm-up; by default a fifth, at most 60."""
    threaded.IDLE_SECONDS = 1.0  # so that a round ends quickly
    tracemalloc.start()
    begin = time.monotonic()
    with Findings() as findings:
        idle = threading.active_count()
        warm = Round(World(seed + 1, findings, tls=True), size)
        warm.run(min(seconds / 5, 60.0) if warm_up is None else warm_up)
        del warm
        before = held(idle)
        findings.outcomes.clear()
        faults, requests, stall = 0, 0, 0.0
        for tls in (False, True):
            half = Round(World(seed, findings, tls=tls), size)
            half.run(seconds / 2)
            faults += half.chaos.done
            requests += half.requests
            stall = max(stall, half.stall)
            del half
        after = held(idle)
        compare(before, after, findings)
        look_for_rest(findings)
    tracemalloc.stop()
    elapsed = time.monotonic() - begin
    return Report(seed, findings, faults, requests, stall, before, after, elapsed)


class Round:
    """All threads and tasks of a run with one server, until its end."""

    def __init__(self, world: World, size: Size) -> None:
        self._world = world
        self._size = size
        self.chaos = Chaos(world)
        self.requests = 0
        #: The longest time in seconds that a thread of the process was blocked, for lack of a CPU.
        self.stall = 0.0

    def run(self, seconds: float) -> None:
        """Run all workers so long, then check that everything works once the backend does."""
        world = self._world
        counter = threading.Thread(target=self._count_requests, name="counter")
        with (
            world.opened(),
            world.server.client(**world.settings) as root,
            root.events.watch() as watch,
        ):
            async_root = world.server.async_client(transport="threads", **world.settings)
            workers = [ThreadWorker(world, root, n).thread for n in range(self._size.threads)]
            workers.append(
                threading.Thread(target=self._run_tasks, args=[async_root, root], name="loop")
            )
            # OpenSSL renews no lock in a child, which hangs if a thread was in a handshake.
            if not world.has_tls:
                workers.append(Forks(world, root, async_root, watch, self._size.fork_pace).thread)
            workers.append(EnvFiles(world, root).thread)
            workers.append(counter)
            for worker in workers:
                worker.start()
            self.chaos.start()
            MainThread(world, root).run(seconds)
            world.ended.set()
            for worker in workers:
                worker.join(120)
                if worker.is_alive():
                    world.findings.blame(f"{worker.name} did not end")
            self.chaos.stop()
            self._check_recovery()

    def _count_requests(self) -> None:
        """Count requests regularly: the server keeps only the latest."""
        begin = time.monotonic()
        while not self._world.ended.wait(0.2):
            self.stall = max(self.stall, time.monotonic() - begin - 0.2)
            begin = time.monotonic()
            self.requests += self._world.server.count()
            self._world.server.clear_requests()

    def _check_recovery(self) -> None:
        """Check that each user reaches each provider again, in their own name."""
        world = self._world
        with world.server.client(timeout=30.0) as root:
            for jwt in world.jwts:
                client = root if jwt is None else root.for_user(jwt)
                for slug in SLUGS:
                    with world.attempt("session after repair"):
                        if not self._is_served(client, slug, jwt):
                            world.findings.blame(f"{slug} is not served after the repair")
            with world.attempt("connections after repair"):
                if set(root.connections.connected_slugs()) != set(SLUGS):
                    world.findings.blame("The list of connections is not complete after the repair")

    def _is_served(self, client: Vendo, slug: str, jwt: str | None) -> bool:
        """Post until the provider accepts the token, for as long as a rejection is trusted.

        A token that the provider rejected, and that Vendo returned again, counts as current for up
        to that time. A server that was reset makes the same texts again, which looks like that.
        """
        url = f"{self._world.server.provider_url(slug)}/end"
        end = time.monotonic() + LONGEST_TRUST + 5.0
        with client.session(slug) as session:
            while True:
                response = session.post(url, data=b"x")
                if self._world.check_response(
                    response.status_code, response.content, b"x", jwt, "The last request"
                ):
                    return True
                if time.monotonic() >= end:
                    return False
                time.sleep(0.2)

    def _run_tasks(self, threads_root: AsyncVendo, blocking: Vendo) -> None:
        asyncio.run(self._tasks(threads_root, blocking))

    async def _tasks(self, threads_root: AsyncVendo, blocking: Vendo) -> None:
        world = self._world
        asyncio.get_running_loop().set_exception_handler(world.findings.loop_complained)
        async with (
            httpx2.AsyncClient(timeout=5.0) as web,
            world.server.async_client(transport="aiohttp", **world.settings) as aiohttp_root,
            threads_root,
            asyncio.TaskGroup() as group,
        ):
            for number in range(self._size.tasks):
                root = aiohttp_root if number % 2 else threads_root
                group.create_task(TaskWorker(world, root, blocking, web, number).run())
