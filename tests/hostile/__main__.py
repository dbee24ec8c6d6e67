"""Run the fuzzer and print its report: `python -m hostile --seconds 600 --seed 7`."""

from __future__ import annotations

import argparse
import random
import sys
from typing import TYPE_CHECKING

from hostile.kinds import NAMES
from hostile.run import fuzz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostile.run import Report


def main(arguments: list[str]) -> int:
    """Return 0 if nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args(arguments)
    sys.stdout.write(f"seed {chosen.seed}\n")
    sys.stdout.flush()
    report = fuzz(chosen.seconds, chosen.seed)
    sys.stdout.write("\n".join([*_lines(report), ""]))
    return 1 if report.findings.wrong else 0


def _lines(report: Report) -> Iterator[str]:
    yield from report.findings.report_of_calls()
    for kind, times in report.sent.most_common():
        yield f"{times:8} {kind}"
    missing = sorted(NAMES - report.sent.keys())
    yield f"kinds that were not sent: {', '.join(missing) or 'none'}"
    for way, requests in report.requests.items():
        yield f"{requests:8} requests of {way}, {requests / report.seconds:.0f} a second"
    yield f"{report.seconds:.0f} s, seed {report.seed}"
    yield from report.findings.report_of_faults()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
