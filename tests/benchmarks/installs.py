"""Print what it takes to install and import vendo and others: `python -m benchmarks.installs`.

Each is installed into an environment of its own, from the index that pip is configured for. With
`--write` the table replaces that of docs/comparison.md.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import venv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import page
from benchmarks.harness import Spread, clean_environment, spread

ROOT = Path(__file__).parents[2]
_ROUNDS = 30


@dataclass(frozen=True)
class Peer:
    """A package, the line that imports it, and what a program does to be able to use it."""

    name: str
    requirement: str
    imports: str
    uses: str


#: Each use ends with a credential, or with an object that has one.
PEERS = (
    Peer("vendo-sdk", str(ROOT), "import vendo", "vendo.token('openai')"),
    Peer("vendo-sdk[http]", f"{ROOT}[http]", "import vendo", "vendo.session('openai')"),
    Peer(
        "django-environ",
        "django-environ",
        "import environ",
        "environ.Env()('OPENAI_API_KEY')",
    ),
    Peer(
        "python-decouple",
        "python-decouple",
        "from decouple import config",
        "config('OPENAI_API_KEY')",
    ),
    Peer(
        "pydantic-settings",
        "pydantic-settings",
        "from pydantic_settings import BaseSettings",
        "type('S', (BaseSettings,), {'__annotations__': {'openai_api_key': str}})().openai_api_key",
    ),
    Peer(
        "google-auth[requests]",
        "google-auth[requests]",
        "from google.auth.transport.requests import AuthorizedSession\n"
        "from google.oauth2.credentials import Credentials",
        "AuthorizedSession(Credentials('token'))",
    ),
    Peer(
        "svcs",
        "svcs",
        "import svcs",
        "registry = svcs.Registry()\n"
        "registry.register_value(str, 'sk-benchmark')\n"
        "svcs.Container(registry).get(str)",
    ),
    Peer(
        "composio",
        "composio",
        "from composio import Composio",
        "Composio(api_key='ak_benchmark', allow_tracking=False)",
    ),
)

_INSTALLED = """
import sys
from importlib.metadata import distributions, version
from pathlib import Path
folders = [path for path in sys.path if path.endswith("site-packages")]
files = [file for folder in folders for file in Path(folder).rglob("*")]
print(len(list(distributions())), sum(file.stat().st_size for file in files if file.is_file()))
print(version(sys.argv[1]))
"""


def main(arguments: list[str]) -> int:
    """Print the table."""
    with TemporaryDirectory() as folder:
        environments = [_environment(peer, Path(folder)) for peer in PEERS]
        sizes = [_size(peer, python) for peer, python in zip(PEERS, environments, strict=True)]
        text = _table(sizes, _times(environments))
    print(text)
    if "--write" in arguments:
        page.write(page.DOCS / "comparison.md", "installs", text)
    return 0


def _environment(peer: Peer, folder: Path) -> Path:
    """Install a package into a new environment, and return that environment's interpreter."""
    home = folder / peer.name
    venv.create(home, symlinks=os.name != "nt", with_pip=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [str(python), "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", peer.requirement], check=True)
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "setuptools", "pip"], check=True)
    return python


def _size(peer: Peer, python: Path) -> tuple[str, int, float]:
    """Return the version, the number of packages, and their megabytes without compiled files."""
    name = peer.name.partition("[")[0]
    command = [str(python), "-B", "-I", "-c", _INSTALLED, name]
    packages, size, version = subprocess.check_output(command, text=True).split()
    return version, int(packages), int(size) / 1e6


def _times(environments: list[Path]) -> list[tuple[Spread, Spread]]:
    """Return the milliseconds of each import, and of the import with the first use.

    It is the CPU time of these lines alone. The first rounds write compiled files.
    """
    env = clean_environment(OPENAI_API_KEY="sk-benchmark")
    taken: list[tuple[list[float], list[float]]] = [([], []) for _ in PEERS]
    order = list(range(len(PEERS)))
    for number in range(_ROUNDS + 2):
        order.reverse()
        for i in order:
            program = (
                f"import time\nbegin = time.process_time()\n{PEERS[i].imports}\n"
                f"middle = time.process_time()\n{PEERS[i].uses}\n"
                "print((middle - begin) * 1000, (time.process_time() - begin) * 1000)"
            )
            command = [str(environments[i]), "-c", program]
            printed = subprocess.check_output(command, env=env, text=True).split()
            if number >= 2:
                for values, value in zip(taken[i], printed[-2:], strict=True):
                    values.append(float(value))
    return [(spread(imports), spread(uses)) for imports, uses in taken]


def _table(sizes: list[tuple[str, int, float]], times: list[tuple[Spread, Spread]]) -> str:
    """Return the table and the machine."""
    lines = [
        "| package | version | packages | MB | import | import and first use |",
        "|---|---|---|---|---|---|",
    ]
    for peer, (version, packages, size), (imports, uses) in zip(PEERS, sizes, times, strict=True):
        cells = [
            *(f"`{peer.name}`", version, f"{packages}", _digits(size)),
            *(
                f"{_digits(took.median)} ms ({_digits(took.low)} to {_digits(took.high)})"
                for took in (imports, uses)
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    machine = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()} on "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{page.processor()}, in "
        f"{_ROUNDS} rounds of new interpreters. The load average at the end was "
        f"{os.getloadavg()[0]:.1f}."
    )
    return "\n".join(lines) + "\n\n" + page.wrapped(machine)


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
