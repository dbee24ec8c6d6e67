"""Write the tables of `docs/catalog.md`.

Run `python -m manual.catalog_table` in the folder `tests`.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from manual.blocks import ROOT
from vendo._catalog import catalog

if TYPE_CHECKING:
    from vendo._catalog.catalog import Provider

PAGE = ROOT / "docs" / "catalog.md"
MARK = "<!-- The tables below are made by tests/manual/catalog_table.py -->\n"

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
    above, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE.name} has lost the line {MARK}"
    return above + mark + tables()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
