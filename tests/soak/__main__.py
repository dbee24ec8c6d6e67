"""Run the soak and print its report: `python -m soak --seconds 600 --seed 7`."""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
from typing import TYPE_CHECKING

from soak.run import Size, soak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.run import Report


def main(arguments: list[str]) -> int:
    """Return 0 if nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--warm-up", type=float, help="seconds; by default a fifth, at most 60")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--threads", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--fork-pace", type=float, default=1.5, help="seconds between two forks")
    chosen = parser.parse_args(arguments)
    sys.stdout.write(f"seed {chosen.seed}\n")
    sys.stdout.flush()
    # A signal handler that waits for its own thread hangs the program: show where.
    faulthandler.dump_traceback_later(2 * chosen.seconds + 180, exit=True)
    size = Size(chosen.threads, chosen.tasks, chosen.fork_pace)
    report = soak(chosen.seconds, chosen.seed, size, chosen.warm_up)
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.write("\n".join([*_lines(report), ""]))
    return 1 if report.findings.wrong else 0


def _lines(report: Report) -> Iterator[str]:
    findings = report.findings
    yield from findings.report_of_calls()
    yield f"the process itself was blocked for up to {report.stall:.1f} s"
    yield f"{report.requests:8} requests at the backend, {report.faults} faults"
    yield f"{findings.records:8} log records checked"
    yield f"before: {report.before}"
    yield f"after:  {report.after}"
    yield f"{report.seconds:.0f} s, seed {report.seed}"
    yield from findings.report_of_faults()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
