"""A process that forks during a run, and the calls of its children."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import select
import signal
import threading
import time
from random import Random
from typing import TYPE_CHECKING

import vendo
from soak.world import SLUGS
from support.raw_fork import raw_fork, wait_until_alone

if TYPE_CHECKING:
    from soak.world import World
    from vendo import AsyncVendo, Vendo
    from vendo._client.event_watch import EventWatch

#: Seconds that a child may take: its calls have a time-out of two.
_PATIENCE = 20.0


class Forks:
    """Forks now and then, in its own thread, until the run ends."""

    def __init__(
        self, world: World, root: Vendo, async_root: AsyncVendo, watch: EventWatch, pace: float
    ) -> None:
        self._world = world
        self._root = root
        self._async_root = async_root
        self._watch = watch
        self._pace = pace
        self._random = Random(f"{world.seed} forks")
        self.thread = threading.Thread(target=self._run, name="forks")

    def _run(self) -> None:
        while not self._world.ended.wait(self._random.random() * 2 * self._pace):
            with self._world.attempt("fork"):
                self._fork()

    def _fork(self) -> None:
        slug, jwt = self._random.choice(SLUGS), self._random.choice(self._world.jwts)
        kind = self._random.choice(["blocking", "async", "raw"])
        reader, writer = os.pipe()
        # A hanging child reports where. Set before the fork, as it may hang at its very start.
        faulthandler.register(signal.SIGUSR1, file=writer)
        findings = self._world.findings
        with findings.lock:
            known = findings.wrong.copy()
            child = os.fork()
        if child == 0:
            try:
                if kind == "raw":
                    self._fork_raw(slug, jwt, writer)
                outcome = self._in_child(slug, jwt, kind == "async")
                os.write(writer, json.dumps([*outcome, *(findings.wrong - known)]).encode())
            finally:
                os._exit(0)
        faulthandler.unregister(signal.SIGUSR1)
        os.close(writer)
        try:
            output = self._wait_for(child, reader)
        finally:
            os.close(reader)
        try:
            outcome, text, *wrong = json.loads(output)
        except ValueError:
            findings.blame(f"A forked child hung or died: {output.decode()}")
            return
        findings.count(f"{kind} child", outcome)
        for what in wrong:
            findings.blame(f"In a forked child: {what}")
        if outcome == "well":
            self._world.check_token(text, slug, jwt)
        elif not hasattr(vendo, outcome):
            findings.blame(f"A forked child raised {outcome}: {text}")
        else:
            findings.look_at("an error of a child", text)

    def _fork_raw(self, slug: str, jwt: str | None, writer: int) -> None:
        """Go on as two processes that share what the child has used. Only the second one returns.

        The child has no other thread, as a server before its fork: see `raw_fork`.
        """
        self._watch.stop()  # it began again in the child
        self._in_child(slug, jwt, False)
        wait_until_alone()
        if raw_fork() == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(int(_PATIENCE))  # nobody else ends it if it hangs
            return
        try:
            outcome, text = self._in_child(slug, jwt, False)
            if outcome == "well" and not text.startswith(f"local_{slug}_"):
                os.write(writer, b"A token is another's beside a raw fork. ")
        finally:
            os.wait()
            os._exit(0)

    def _in_child(self, slug: str, jwt: str | None, is_async: bool) -> tuple[str, str]:
        try:
            if is_async:
                client = self._async_root if jwt is None else self._async_root.for_user(jwt)
                client.invalidate(slug)
                return "well", asyncio.run(client.token(slug))
            blocking = self._root if jwt is None else self._root.for_user(jwt)
            blocking.invalidate(slug)
            return "well", blocking.token(slug)
        except Exception as error:  # noqa: BLE001  # the parent judges it
            return type(error).__name__, f"{error} {error!r}"

    @staticmethod
    def _wait_for(child: int, reader: int) -> bytes:
        """Return the output of the child, or the place where it hung."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            done, _ = os.waitpid(child, os.WNOHANG)
            if done:
                return os.read(reader, 65536)
            time.sleep(0.01)
        os.kill(child, signal.SIGUSR1)
        select.select([reader], [], [], 5.0)
        time.sleep(0.5)  # it is still writing
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return os.read(reader, 65536)
