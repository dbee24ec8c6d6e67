"""Print the figures as a table: `python -m benchmarks [NAME ...]` in the folder `tests`.

With `--write` and no names, the table replaces that of docs/performance.md.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks import page
from benchmarks.harness import rounds, spread
from benchmarks.names import NAMES

SUITES = tuple(NAMES)

#: The packages that the figures are compared with or run on.
PACKAGES = (
    "requests",
    "aiohttp",
    "Django",
    "Flask",
    "starlette",
    "fastapi",
    "pytest",
    "openai",
    "redis",
    "google-auth",
    "azure-identity",
    "python-decouple",
)


def _machine() -> str:
    """Return on what the figures are taken, and how busy it is with other programs."""
    load = f"The load average at the start was {os.getloadavg()[0]:.1f}. "
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        "All figures, the other libraries' included, are of one run on "
        f"{datetime.now(UTC):%Y-%m-%d}. "
        f"Python {platform.python_version()} on "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{page.processor()}. "
        f'{load}`os.environ["X"]` took {_look_up_microseconds():.2g} µs. With {versions}.'
    )


def _look_up_microseconds() -> float:
    """Return the current speed of the machine, as a scale for figures in microseconds."""
    os.environ["X"] = "x"
    return spread(took * 1e6 for [took] in rounds(lambda: os.environ["X"])).median


def main(arguments: list[str]) -> int:
    """Print the table. Return 1 if a figure misses its limit."""
    names = [name for name in arguments if name != "--write"]
    if names and len(names) < len(arguments):
        raise SystemExit("--write needs a whole run. Fix: python -m benchmarks --write")
    output = [_machine(), "", "| what | compared with | median | spread | limit | within |"]
    output.append("|---|---|---|---|---|---|")
    print("\n".join(output))
    missed = 0
    strays: list[str] = []
    for name in names or SUITES:
        taken = []
        for figure in importlib.import_module(f"benchmarks.{name}").figures():
            print(figure, flush=True)
            output.append(str(figure))
            taken.append(figure.what)
            missed += not figure.is_within_limit
        strays += set(taken) ^ set(NAMES[name])
    if strays:
        raise SystemExit(f"Not the names of benchmarks/names.py: {'; '.join(strays)}")
    if "--write" in arguments:
        page.write(page.DOCS / "performance.md", "figures", page.block("\n".join(output)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
