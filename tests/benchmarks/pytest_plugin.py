"""Figures of the pytest plugin: its cost for a suite without and with its fixtures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.harness import Figure, clean_environment, exactly, seconds, spread
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGIN = "vendo_pytest.plugin"

_EMPTY = "def test_it(): pass\n"
_MODULES = "import sys\ndef test_it(): print('modules', *sys.modules)\n"
#: Enough tests to make the server's start negligible.
_TESTS = 200
_SERVER = (
    f"import pytest\n@pytest.mark.parametrize('n', range({_TESTS}))\ndef test_it({{}}): pass\n"
)


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    with TemporaryDirectory() as folder:
        yield _empty_run(Path(folder))
        yield _further_modules(Path(folder))
        yield _test_with_server(Path(folder))
    yield _reset()


def _pytest(folder: Path, test: str, plugin: str = PLUGIN) -> str:
    """Return the output of a run with this plugin alone, and at its end its seconds of CPU time.

    The plugin is passed to pytest, as its discovery takes longer than the plugin itself, and longer
    with more installed packages.
    """
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    program = (
        "import sys, time, pytest; begin = time.process_time(); "
        f"plugins = [{plugin and f'__import__({plugin!r}).plugin'}]; "
        "status = pytest.main(['-q', '-s', '-p', 'no:cacheprovider'], plugins); "
        "print(time.process_time() - begin); sys.exit(status)"
    )
    return subprocess.check_output(
        [sys.executable, "-c", program],
        cwd=folder,
        env=clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        text=True,
    )


def _empty_run(folder: Path) -> Figure:
    def run(plugin: str) -> float:
        return float(_pytest(folder, _EMPTY, plugin).split()[-1])

    return Figure(
        "pytest: a run of one empty test with the plugin",
        "without it",
        spread((run(PLUGIN) - run("")) * 1000 for _ in range(40)),
        3.0,
        "ms more",
    )


def _further_modules(folder: Path) -> Figure:
    def modules(plugin: str) -> set[str]:
        printed = _pytest(folder, _MODULES, plugin)
        line = next(line for line in printed.splitlines() if "modules " in line)
        return set(line.split()[1:])

    further = modules(PLUGIN) - modules("") - {"vendo_pytest", PLUGIN}
    return Figure(
        "pytest: modules that the plugin loads in addition to its own",
        "without it",
        exactly(len(further)),
        0,
        "more",
    )


def _test_with_server(folder: Path) -> Figure:
    def run(arguments: str) -> float:
        test = _SERVER.format(arguments)
        return seconds(lambda: _pytest(folder, test)) / _TESTS * 1000

    return Figure(
        "pytest: a test with `vendo_server`",
        "a fixture that does nothing",
        spread(run("n, vendo_server") - run("n, tmp_path_factory") for _ in range(15)),
        3.0,
        "ms",
    )


def _reset() -> Figure:
    with LocalVendo(connections=["gmail", "openai", "slack"]) as server:
        for slug in ("gmail", "openai", "slack"):
            server.token(slug)
        taken = spread(seconds(server.reset, 50) / 50 * 1000 for _ in range(20))
    return Figure("pytest: a reset of the server", "no baseline", taken, 1.0, "ms")
