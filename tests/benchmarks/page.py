"""Write the output of a whole run into docs/performance.md: `python -m benchmarks.page FILE`."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from benchmarks.names import NAMES

DOCS = Path(__file__).parents[2] / "docs"
_HEAD = "| what | compared with | median | spread | limit | within |\n|---|---|---|---|---|---|"
_ROW = re.compile(
    r"\| (?P<what>.+) \| (?P<against>.+) \| (?P<shown>(?P<median>-?[\d.e+-]+)[^|]*) "
    r"\| (?P<spread>exact|[-\d.e+]+ to [-\d.e+]+) "
    r"\| (?P<sign>[≤≥]) (?P<limit>[\d.]+)[^|]* \| (?P<within>yes|\*\*no\*\*) \|"
)
_WIDTH = 110


@dataclass(frozen=True)
class Row:
    """A figure as the table has it."""

    line: str
    what: str
    shown: str
    median: float
    at_least: bool
    limit: float
    within: bool

    @property
    def allows_median(self) -> bool:
        return self.median >= self.limit if self.at_least else self.median <= self.limit


def rows(text: str) -> list[Row]:
    """Return the figures of a table."""
    return [
        Row(
            found[0],
            found["what"],
            found["shown"],
            float(found["median"]),
            found["sign"] == "≥",
            float(found["limit"]),
            found["within"] == "yes",
        )
        for found in map(_ROW.fullmatch, text.splitlines())
        if found
    ]


def block(output: str) -> str:
    """Return what the page has of a run: the machine, the table, and which figures miss."""
    figures = rows(output)
    taken, expected = (
        [row.what for row in figures],
        [name for suite in NAMES.values() for name in suite],
    )
    if taken != expected:
        missing = sorted(set(expected) - set(taken)) or ["nothing, but they are in another order"]
        raise SystemExit(
            f"The output is not that of one whole run. It lacks {'; '.join(missing)}. "
            "Fix: python -m benchmarks --write"
        )
    machine = " ".join(output[: output.index("| what |")].split())
    table = "\n".join([_HEAD, *(row.line for row in figures)])
    return "\n\n".join([wrapped(machine), table, _missed(figures)])


def _missed(figures: list[Row]) -> str:
    missed = [f"- {row.what} ({row.shown})" for row in figures if not row.within]
    if not missed:
        return f"All {len(figures)} medians are within their limit."
    verb = "misses its limit" if len(missed) == 1 else "miss their limit"
    return "\n".join([f"{len(missed)} of {len(figures)} medians {verb}:\n", *missed])


def wrapped(text: str) -> str:
    """Return a paragraph in lines of the width of the manual."""
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def processor() -> str:
    """Return the name of the processor, where the system has it."""
    info = Path("/proc/cpuinfo")
    found = re.search(
        r"^model name\s*: (.+)$", info.read_text() if info.exists() else "", re.MULTILINE
    )
    return f" of {found[1]}" if found else ""


def between(page: Path, name: str) -> str:
    """Return what a page has between the two markers of a block."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n\n")
    found, marker, _ = rest.partition(f"\n\n<!-- end of {name} -->")
    if not marker:
        raise SystemExit(
            f"{page.name} has no block {name}. Fix: add <!-- {name} --> and <!-- end of {name} -->"
        )
    return found


def write(page: Path, name: str, text: str) -> None:
    """Write a text between the two markers of a block."""
    old = between(page, name)
    before, _, after = page.read_text(encoding="utf-8").partition(
        f"<!-- {name} -->\n\n{old}\n\n<!-- end"
    )
    page.write_text(f"{before}<!-- {name} -->\n\n{text}\n\n<!-- end{after}", encoding="utf-8")
    print(f"Written to {page}")


if __name__ == "__main__":
    write(DOCS / "performance.md", "figures", block(Path(sys.argv[1]).read_text(encoding="utf-8")))
