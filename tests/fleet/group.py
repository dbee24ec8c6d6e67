"""A group of processes that watch: it forks them, and each prints what changes, as JSON lines."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import vendo
from vendo._client import change_source, redis_bus, watched_tokens


def member(group: int, slug: str, *, uses: bool) -> None:
    """Print each new token, and each new mode of the watch, until the group ends."""
    with vendo.events.watch() as watch:
        seen: dict[str, Any] = {}
        session: Any = vendo.session(slug) if uses else None
        while os.getppid() == group:
            try:
                if session is not None:
                    session.get("gmail/v1/users/me/profile")
                token: str = vendo.token(slug)
            except vendo.VendoError as error:
                token = type(error).__name__
            names = [thread.name for thread in threading.enumerate()]
            now = {"token": token, "mode": watch.mode, "leads": "vendo-events-leader" in names}
            if now != seen:
                seen = now
                more = {"pid": os.getpid(), "at": time.time(), "threads": len(names)}
                os.write(1, (json.dumps({**more, **now, "memory": _memory()}) + "\n").encode())
            time.sleep(0.01)


def _memory() -> int:
    """Return the bytes of this process that no other one shares."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def shorten(options: dict[str, str]) -> None:
    """Set the seconds of `poll`, `patience` and `missed`, which are too long for a test."""
    poll, patience, missed = map(options.get, ("poll", "patience", "missed"))
    change_source.POLL_SECONDS = float(poll or change_source.POLL_SECONDS)
    redis_bus._PATIENCE = float(patience or redis_bus._PATIENCE)
    watched_tokens.MISSED_SECONDS = float(missed or watched_tokens.MISSED_SECONDS)


def main() -> int:
    """Return 1 if a member ended by itself."""
    options = json.loads(sys.argv[2])
    shorten(options)
    group = os.getpid()
    members = []
    for _ in range(int(sys.argv[1])):
        pid = os.fork()
        if pid == 0:
            member(group, options.get("slug", "gmail"), uses="uses" in options)
            os._exit(0)
        members.append(pid)
    sys.stdin.read()  # until the test ends
    ends = set()
    for pid in members:
        # They still exist, also those that the test has killed, until they are waited for.
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        ends.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return 0 if ends <= {-signal.SIGTERM, -signal.SIGKILL} else 1


if __name__ == "__main__":
    sys.exit(main())
