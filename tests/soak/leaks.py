"""What an idle process holds: threads, descriptors, memory."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vendo._client import event_watch, platform_flows
from vendo._tokens.cache import shared
from vendo._transports import async_driver, fork

if TYPE_CHECKING:
    from soak.findings import Findings

#: Seconds that idle threads may take to end.
_PATIENCE = 30.0
#: Bytes. Caches of Python and the libraries stay below this; a leak does not.
_SLACK = 4_000_000


@dataclass(frozen=True)
class Held:
    """What is held at one moment."""

    threads: int
    descriptors: int
    memory: int
    resets: int
    snapshot: tracemalloc.Snapshot

    def __str__(self) -> str:
        return (
            f"{self.threads} threads, {self.descriptors} descriptors, {self.memory / 1e6:.2f} MB, "
            f"{self.resets} objects that a fork resets"
        )


def held(threads: int | None = None) -> Held:
    """Return what is held now, once there are no more than so many threads."""
    deadline = time.monotonic() + _PATIENCE
    while threads is not None and threading.active_count() > threads:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for _ in range(3):
        gc.collect()
    return Held(
        threading.active_count(),
        sum(1 for _ in Path("/dev/fd").iterdir()),
        tracemalloc.get_traced_memory()[0],
        len(fork._resets),
        tracemalloc.take_snapshot(),
    )


def compare(before: Held, after: Held, findings: Findings) -> None:
    """Record what grew."""
    for name in ("threads", "descriptors", "resets"):
        was, now = getattr(before, name), getattr(after, name)
        if now > was:
            alive = sorted(thread.name for thread in threading.enumerate())
            findings.blame(f"There were {was} {name}, and now there are {now}. Threads: {alive}")
    if after.memory - before.memory > _SLACK:
        grown = after.snapshot.compare_to(before.snapshot, "lineno")[:12]
        places = "\n".join(f"  {row}" for row in grown)
        findings.blame(f"Memory grew by {(after.memory - before.memory) / 1e6:.2f} MB:\n{places}")


def look_for_rest(findings: Findings) -> None:
    """Record what is still under way after all callers have ended."""
    rest = {
        "a fetch of a token": shared._flights,
        "a shared call": platform_flows._shared_calls._in_flight,
        "a spawned task": async_driver._spawned,
        "a watcher of events": event_watch._watchers,
    }
    for what, left in rest.items():
        if left:
            findings.blame(f"{what} is still under way at the end")
