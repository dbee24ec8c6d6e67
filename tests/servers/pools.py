"""A program that has pools of processes make all calls, and makes some itself meanwhile.

`python -m servers.pools fork` reads the calls from standard input as JSON, and prints the results.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from servers import app

_WORKERS = 3


def made(call: dict[str, str]) -> dict[str, Any]:
    """Make a call."""
    return app.call(**call)


def main(method: str) -> list[dict[str, Any]]:
    """Return the results of all calls, the last tenth of them made by this process."""
    calls = json.load(sys.stdin)
    context = multiprocessing.get_context(method.removeprefix("executor "))
    own = len(calls) // 10
    if method.startswith("executor"):
        with ProcessPoolExecutor(_WORKERS, mp_context=context) as executor:
            waiting = executor.map(made, calls[own:], chunksize=10)
            results = [made(call) for call in calls[:own]]
            return [*results, *waiting]
    with context.Pool(_WORKERS) as pool:
        begun = pool.map_async(made, calls[own:], chunksize=10)
        results = [made(call) for call in calls[:own]]
        return [*results, *begun.get(60)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])))
    app.watch.stop()
