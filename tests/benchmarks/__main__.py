"""Print the figures as a table: `python -m benchmarks [NAME ...]` in the folder `tests`."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from importlib.metadata import version

from benchmarks.harness import rounds, spread

SUITES = (
    "startup",
    "core",
    "peers",
    "aio",
    "platform",
    "fleet",
    "sdks",
    "django_adapter",
    "flask_adapter",
    "pytest_plugin",
    "starlette_adapter",
)


#: The packages that the figures are compared with or run on.
_PACKAGES = (
    "requests",
    "aiohttp",
    "Django",
    "Flask",
    "starlette",
    "fastapi",
    "pytest",
    "google-auth",
    "azure-identity",
    "python-decouple",
)


def _look_up_microseconds() -> float:
    """Return the current speed of the machine, as a scale for figures in microseconds."""
    os.environ["X"] = "x"
    return spread(took * 1e6 for [took] in rounds(lambda: os.environ["X"])).median


def main(names: list[str]) -> int:
    """Print the table. Return 1 if a figure is above its limit."""
    print(
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores; "
        + ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
        + f'. `os.environ["X"]` takes {_look_up_microseconds():.2g} µs.\n'
    )
    print("| what | compared with | median | spread | limit | within |")
    print("|---|---|---|---|---|---|")
    missed = 0
    for name in names or SUITES:
        for figure in importlib.import_module(f"benchmarks.{name}").figures():
            print(figure, flush=True)
            missed += not figure.is_within_limit
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
