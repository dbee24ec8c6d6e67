"""Run test suites in a separate pytest, which finds the plugin by its entry point."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import vendo
import vendo_pytest

#: Load only this plugin.
PLUGIN = ("-p", "vendo")

_PACKAGES = Path(vendo.__file__).parent, Path(vendo_pytest.__file__).parent


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for a suite, in an environment where vendo-sdk seems installed from a wheel."""
    site = pytester.mkdir("site")
    metadata = site / "vendo_sdk_as_a_wheel-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: vendo-sdk-as-a-wheel\nVersion: 0\n"
    )
    (metadata / "entry_points.txt").write_text("[pytest11]\nvendo = vendo_pytest.plugin\n")
    files = [
        file.relative_to(package.parent).as_posix()
        for package in _PACKAGES
        for file in sorted(package.rglob("*.py"))
    ]
    (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    places = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in list(os.environ):
        if name.startswith("VENDO_"):
            monkeypatch.delenv(name)
    return pytester


@pytest.fixture
def run(suite: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """`run(test_text, "-v", ini="vendo_guard = true")`: run a suite of one module."""

    def run(
        text: str, *arguments: str, ini: str = "", plugin: tuple[str, ...] = PLUGIN
    ) -> pytest.RunResult:
        suite.makeini(f"[pytest]\nfilterwarnings = error\n{ini}")
        suite.makepyfile(test_it=text)
        return suite.runpytest_subprocess(*plugin, "-p", "no:cacheprovider", *arguments)

    return run
