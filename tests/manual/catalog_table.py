"""Write what follows from the rows of the catalog: the tables of its page, its number, its type.

Run `python -m manual.catalog_table` in the folder `tests`.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from manual.blocks import ROOT
from vendo._catalog import catalog

if TYPE_CHECKING:
    from vendo._catalog.catalog import Provider

PAGE = ROOT / "docs" / "catalog.md"
MARK = "<!-- The tables below are made by tests/manual/catalog_table.py -->\n"
END = "\n## Add a provider\n"
#: The page that has the number of providers, in its text and in a program.
COUNTING = ROOT / "docs" / "testing.md"
COUNT = re.compile(
    r"\d+(?= providers of \[the catalog\])|(?<=assert len\(connections\.list\(\)\) == )\d+"
)
SLUG_TYPE = Path(catalog.__file__).with_name("slug_type.py")

_TITLES = {"ai": "AI", "crm": "CRM"}


def tables() -> str:
    """Return one table for each category, in alphabetical order."""
    rows = [row for row in map(catalog.provider, catalog.slugs()) if row is not None]
    rows.sort(key=lambda row: (row.category, row.slug))
    return "".join(
        f"\n## {_TITLES.get(category, category.capitalize())}\n\n"
        "| slug | provider | variables | sent as | to |\n|---|---|---|---|---|\n"
        + "".join(map(_line, group))
        for category, group in groupby(rows, lambda row: row.category)
    )


def _line(row: Provider) -> str:
    cells = [
        _code(row.slug),
        f"[{row.name}]({row.docs_url})",
        " or ".join(map(_code, row.variables))
        + "".join(f", and {_code(name)}" for name in row.companions),
        _sent_as(row),
        ", ".join(map(_code, row.hosts)) or "the host that you name with `hosts=`",
    ]
    assert not any("|" in cell for cell in cells), f"{row.slug} would break its table"
    return f"| {' | '.join(cells)} |\n"


def _sent_as(row: Provider) -> str:
    if row.path:
        return " or ".join(f"a path below {_code(start)}" for start in row.path)
    if row.basic:
        return f"basic authentication, {_code(row.basic)}"
    header = _code(": ".join(row.header))
    if row.key_prefix is None:
        return header
    bearer = _code(": ".join(catalog.BEARER))
    return f"{header} where it begins with {_code(row.key_prefix)}, else {bearer}"


def _code(text: str) -> str:
    return f"`{text}`"


def page() -> str:
    """Return the page with current tables."""
    above, mark, below = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE.name} has lost the line {MARK}"
    _, end, below = below.partition(END)
    assert end, f"{PAGE.name} has lost the section {END.strip()}"
    return above + mark + tables() + end + below


def slug_type() -> str:
    """Return the module of the type `Slug` with the current slugs."""
    start = "Literal[\n"
    above, mark, _ = SLUG_TYPE.read_text(encoding="utf-8").partition(start)
    assert mark, f"{SLUG_TYPE.name} has lost its type"
    return above + mark + "".join(f'    "{slug}",\n' for slug in catalog.slugs()) + "]\n"


def counting() -> str:
    """Return the page about tests with the current number of providers."""
    text, found = COUNT.subn(str(len(catalog.slugs())), COUNTING.read_text(encoding="utf-8"))
    assert found == 2, f"{COUNTING.name} has lost the number of providers"
    return text


def files() -> dict[Path, str]:
    """Return the current text of each file."""
    return {PAGE: page(), SLUG_TYPE: slug_type(), COUNTING: counting()}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
