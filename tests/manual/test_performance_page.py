"""The page has each figure of a run, with its verdict, and names those that miss their limit."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from benchmarks import installs, page
from benchmarks.harness import Figure, exactly
from benchmarks.names import NAMES
from manual.blocks import ROOT

PAGE = ROOT / "docs" / "performance.md"
BENCHMARKS = ROOT / "tests" / "benchmarks"
SUITES = importlib.import_module("benchmarks.__main__").SUITES


def _patterns(suite: str) -> list[str]:
    """Return the names in the code of a suite. What is known only in a run matches any text."""
    tree = ast.parse((BENCHMARKS / f"{suite}.py").read_text(encoding="utf-8"))
    calls = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Figure"
    ]
    return [pattern for name in calls for pattern in _names(name, tree)]


def _names(name: ast.expr, tree: ast.Module) -> list[str]:
    if isinstance(name, ast.Constant):
        return [re.escape(str(name.value))]
    if isinstance(name, ast.JoinedStr):
        parts = [re.escape(str(getattr(part, "value", ""))) for part in name.values]
        values = [isinstance(part, ast.FormattedValue) for part in name.values]
        return ["".join(".+" if value else part for part, value in zip(parts, values, strict=True))]
    # A variable of a loop over tuples: each begins with a name.
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    tuples = [each for loop in loops for each in getattr(loop.iter, "elts", [])]
    assert isinstance(name, ast.Name)
    assert tuples
    return [re.escape(each.elts[0].value) for each in tuples]


@pytest.mark.parametrize("suite", SUITES)
def test_the_names_are_those_of_the_code(suite: str) -> None:
    patterns = _patterns(suite)
    for name in NAMES[suite]:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name
    for pattern in patterns:
        assert any(re.fullmatch(pattern, name) for name in NAMES[suite]), pattern


def test_one_command_runs_every_benchmark() -> None:
    tables = {
        path.stem
        for path in BENCHMARKS.glob("*.py")
        if "\ndef figures(" in path.read_text(encoding="utf-8")
    }
    assert set(SUITES) == tables


def test_the_page_has_each_figure_of_a_run_once() -> None:
    names = [name for suite in SUITES for name in NAMES[suite]]
    assert [row.what for row in page.rows(PAGE.read_text(encoding="utf-8"))] == names
    assert len(set(names)) == len(names) > 50


def test_each_verdict_compares_the_median_with_the_limit() -> None:
    for row in page.rows(page.between(PAGE, "figures")):
        assert row.within == row.allows_median, row.what


def test_the_page_says_how_many_figures_miss_their_limit_and_which() -> None:
    text = page.between(PAGE, "figures")
    missed = [row.what for row in page.rows(text) if not row.allows_median]
    *_, sentence = text.split("\n\n", 2)
    assert [line.rpartition(" (")[0] for line in re.findall(r"^- (.+)$", text, re.MULTILINE)] == (
        missed
    )
    total = len(page.rows(text))
    assert f"{len(missed)} of {total} medians" in sentence or (
        not missed and f"All {total} medians are within" in sentence
    )


def test_the_block_of_the_page_is_what_the_program_writes() -> None:
    text = page.between(PAGE, "figures")
    assert page.block(text) == text


def test_the_page_names_the_machine_and_what_it_was_compared_with() -> None:
    machine = page.between(PAGE, "figures").partition("\n\n")[0]
    for package in importlib.import_module("benchmarks.__main__").PACKAGES:
        assert re.search(rf"\b{package}\s+\d+\.\d+", machine), package
    assert re.search(r"Python\s+3\.\d+\.\d+\s+on", machine)
    assert re.search(r"\d+\s+cores", machine)
    assert re.search(r'`os.environ\["X"\]`\s+took\s+0\.\d+\s+µs', machine)


def test_the_page_begins_with_what_to_run() -> None:
    task, _, rest = PAGE.read_text(encoding="utf-8").partition("```sh\n")
    assert len(task) < 200
    assert rest.startswith('pip install -e ".[benchmarks]"\ncd tests\npython -m benchmarks\n```')


def _run(*, missed: str = "") -> str:
    """Return the output of a run in which one figure, or none, misses its limit."""
    figures = [
        str(Figure(name, "nothing", exactly(1.3004 if name == missed else 1.25), 1.3))
        for suite in NAMES.values()
        for name in suite
    ]
    head = "| what | compared with | median | spread | limit | within |\n|---|---|---|---|---|---|"
    return "\n".join(["Python on a machine.", "", head, *figures])


def test_a_run_replaces_the_block_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "# Page\n\n<!-- figures -->\n\nold\n\n<!-- end of figures -->\n\nRest\n", encoding="utf-8"
    )
    page.write(file, "figures", page.block(_run(missed="`session.get`")))

    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Page\n\n<!-- figures -->\n\nPython on a machine.\n\n| what |")
    assert text.endswith(
        f"1 of {len(page.rows(text))} medians misses its limit:\n\n"
        "- `session.get` (1.3004 times)\n\n<!-- end of figures -->\n\nRest\n"
    )
    assert "| 1.3004 times | exact | ≤ 1.3 times | **no** |" in text


def test_a_run_without_a_miss_says_so() -> None:
    count = sum(map(len, NAMES.values()))
    assert page.block(_run()).endswith(f"\n\nAll {count} medians are within their limit.")


def test_a_part_of_a_run_is_not_written() -> None:
    whole = _run()
    part = "\n".join(line for line in whole.splitlines() if "`session.get` " not in line)
    with pytest.raises(SystemExit, match=r"It lacks `session.get`"):
        page.block(part)
    lines = whole.splitlines()
    with pytest.raises(SystemExit, match="another order"):
        page.block("\n".join([*lines[:-2], lines[-1], lines[-2]]))


def test_a_page_without_the_markers_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("# Page\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no block figures"):
        page.write(file, "figures", "text")
    assert file.read_text(encoding="utf-8") == "# Page\n"


def test_the_comparison_has_the_size_and_the_time_of_each_package() -> None:
    text = page.between(ROOT / "docs" / "comparison.md", "installs")
    took = r"[\d.]+ ms \([\d.]+ to [\d.]+\)"
    row = rf"^\| `(.+)` \| [\d.]+ \| \d+ \| [\d.]+ \| {took} \| {took} \|$"
    assert re.findall(row, text, re.MULTILINE) == [peer.name for peer in installs.PEERS]
    assert re.search(r"Python\s+3\.\d+\.\d+\s+on", text)
