"""The figures in the manual cover every benchmark and stay within their limits."""

from __future__ import annotations

import ast
import importlib
import re

from manual.blocks import ROOT

PAGE = ROOT / "docs" / "performance.md"
BENCHMARKS = ROOT / "tests" / "benchmarks"


def _limits() -> list[tuple[str, float, str, float]]:
    """Return each figure: its name, its median, and its limit."""
    spread = r"(?:exact|[-\d.e+]+ to [-\d.e+]+)"
    row = rf"^\| (.+) \| [^|]+ \| ([\d.-]+) [^|]*\| {spread} \| ([≤≥]) ([\d.]+) [^|]*\| yes \|$"
    found = re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [(what, float(measured), sign, float(limit)) for what, measured, sign, limit in found]


def _texts(path: str) -> list[str]:
    """Return the string constants of a benchmark's file."""
    tree = ast.parse((BENCHMARKS / path).read_text(encoding="utf-8"))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_one_command_runs_every_benchmark() -> None:
    suites = importlib.import_module("benchmarks.__main__").SUITES
    tables = {
        path.stem
        for path in BENCHMARKS.glob("*.py")
        if "\ndef figures(" in path.read_text(encoding="utf-8")
    }
    assert set(suites) == tables


def test_the_page_has_figures_of_every_benchmark() -> None:
    names = [what for what, *_ in _limits()]
    for suite in importlib.import_module("benchmarks.__main__").SUITES:
        texts = [text for text in _texts(f"{suite}.py") if len(text) >= 10]
        assert any(text in name for name in names for text in texts), suite


def test_no_figure_is_beyond_its_limit() -> None:
    rows = re.findall(r"^\| .+ \| (?:yes|\*\*no\*\*) \|$", PAGE.read_text(), re.MULTILINE)
    limits = _limits()
    assert len(limits) == len(rows) > 30
    for what, measured, sign, limit in limits:
        assert measured <= limit if sign == "≤" else measured >= limit, what


def test_the_page_names_the_machine_and_what_it_was_compared_with() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for package in importlib.import_module("benchmarks.__main__")._PACKAGES:
        assert re.search(rf"\b{package}\s+\d+\.\d+", text), package
