"""Install the distributions as users do, and check that they work.

    python tests/packaging/install_matrix.py DIST PYTHON...

The wheel of the folder DIST with each extra on the first and the last Python, and with none and all
of them on each; the source distribution with none and all of them on the first. Each install is in
an environment of its own. Needs uv.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
PROBES = HERE / "probes"
#: `all` has every probe. The others are for work on the project itself, which tests them.
NO_PROBE = {
    *("all", "benchmarks", "companions", "dev", "lint", "release", "sdks", "servers", "tools"),
}


class Failed(Exception):
    """A command failed; the text has all its output."""


def extras() -> list[str]:
    """Return the extras. Each one has a probe.

    Raises:
        Failed: one has none.
    """
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    found = sorted(set(project["project"]["optional-dependencies"]) - NO_PROBE)
    probes = {path.stem.removeprefix("extra_") for path in PROBES.glob("extra_*.py")}
    if probes != set(found):
        raise Failed(f"{PROBES} and the extras differ in {sorted(probes ^ set(found))}")
    return found


def probes_of(extra: str | None) -> list[Path]:
    """Return the programs that an install with this extra must run."""
    names = extras() if extra == "all" else [extra] if extra else []
    return [PROBES / "base.py", *(PROBES / f"extra_{name}.py" for name in names)]


def run(*command: str | Path, folder: Path) -> None:
    """Run a command in a folder without the project's files.

    Raises:
        Failed: it ended with another status than 0.
    """
    ours = ("VENDO_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**environment, "OPENAI_API_KEY": "sk-probe"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}")


def check(distribution: Path, extra: str | None, python: str) -> str:
    """Install it with one extra on one Python, and run the probes of that install.

    Returns:
        What did not work; blank where all did.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = folder / "env" / "bin" / "python"
        wanted = f"{distribution}[{extra}]" if extra else str(distribution)
        try:
            run("uv", "venv", "-q", "--python", python, folder / "env", folder=folder)
            run("uv", "pip", "install", "-q", "--python", own, wanted, folder=folder)
            run("uv", "pip", "check", "-q", "--python", own, folder=folder)
            for probe in probes_of(extra):
                run(own, "-I", "-W", "error", probe, folder=folder)
        except Failed as error:
            return str(error)
    return ""


def main(dist: str, *pythons: str) -> int:
    """Return 1 if an install failed."""
    folder = Path(dist).resolve()
    [wheel], [source] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    whole: tuple[str | None, ...] = (None, "all")
    ends = {pythons[0], pythons[-1]}
    installs: list[tuple[Path, str | None, str]] = [
        *((wheel, extra, python) for python in pythons for extra in whole),
        *((wheel, extra, python) for python in sorted(ends) for extra in extras()),
        *((source, extra, pythons[0]) for extra in whole),
    ]
    failed = False
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(lambda install: check(*install), installs)
        for (distribution, extra, python), problem in zip(installs, problems, strict=True):
            failed |= bool(problem)
            what = f"{distribution.name} [{extra or 'no extra'}] {python}"
            sys.stdout.write(f"FAILED {what}\n{problem}\n" if problem else f"ok {what}\n")
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} DIST PYTHON...")
    sys.exit(main(*sys.argv[1:]))
