"""Figures of the pytest plugin: its cost for a suite without and with its fixtures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.harness import Figure, seconds
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
    """Return the output of a run with this plugin alone.

    The plugin is passed to pytest, as its discovery takes longer than the plugin itself, and longer
    with more installed packages.
    """
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VENDO_", "PYTHOND"))}
    program = (
        f"import sys, pytest; plugins = [{plugin and f'__import__({plugin!r}).plugin'}]; "
        "sys.exit(pytest.main(['-q', '-s', '-p', 'no:cacheprovider'], plugins))"
    )
    return subprocess.check_output(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        text=True,
    )


def _empty_run(folder: Path) -> Figure:
    ours = bare = float("inf")
    for _ in range(40):
        ours = min(ours, seconds(lambda: _pytest(folder, _EMPTY)))
        bare = min(bare, seconds(lambda: _pytest(folder, _EMPTY, "")))
    return Figure(
        "a run of one empty test with the plugin",
        "without it",
        (ours - bare) * 1000,
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
        "modules that it loads in addition to its own", "without it", len(further), 0, "more"
    )


def _test_with_server(folder: Path) -> Figure:
    def best(arguments: str) -> float:
        test = _SERVER.format(arguments)
        return min(seconds(lambda: _pytest(folder, test)) for _ in range(15))

    cost = best("n, vendo_server") - best("n, tmp_path_factory")
    return Figure("`vendo_server`", "a fixture that does nothing", cost / _TESTS * 1000, 3.0, "ms")


def _reset() -> Figure:
    with LocalVendo(connections=["gmail", "openai", "slack"]) as server:
        for slug in ("gmail", "openai", "slack"):
            server.token(slug)
        best = min(seconds(server.reset, 50) / 50 for _ in range(20))
    return Figure("reset of the server", "no baseline", best * 1000, 1.0, "ms")
