"""The manual's catalog page lists what the catalog has."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING

import pytest

from manual import catalog_table
from manual.blocks import blocks
from vendo._catalog import catalog
from vendo._catalog.catalog import Provider
from vendo._catalog.data import PROVIDERS
from vendo._cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", catalog_table.files(), ids=lambda path: path.name)
def test_what_follows_from_the_rows_is_current(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    current = catalog_table.files()[path]
    assert written == current, "in tests/, run: python -m manual.catalog_table"


def test_a_new_row_reaches_all_files(monkeypatch: pytest.MonkeyPatch) -> None:
    slugs = [*catalog.slugs(), "zzz"]
    row = {"name": "Z", "category": "ai", "env": ("Z_KEY",), "docs": "https://z", "hosts": ("z",)}
    new = Provider("zzz", row)  # type: ignore[arg-type]  # a row in parts
    known = catalog.provider
    monkeypatch.setattr(catalog, "slugs", lambda: slugs)
    monkeypatch.setattr(catalog, "provider", lambda slug: new if slug == "zzz" else known(slug))
    texts = catalog_table.files()
    assert "| `zzz` | [Z](https://z) | `Z_KEY` |" in texts[catalog_table.PAGE]
    assert texts[catalog_table.PAGE].count("\n## Add a provider\n") == 1
    assert '    "zzz",\n]\n' in texts[catalog_table.SLUG_TYPE]
    assert f" {len(slugs)} providers of " in texts[catalog_table.COUNTING]
    assert f"(connections.list()) == {len(slugs)}\n" in texts[catalog_table.COUNTING]


def test_every_provider_has_a_row_with_all_its_variables_and_hosts() -> None:
    rows = {
        found[1]: line
        for line in catalog_table.PAGE.read_text(encoding="utf-8").splitlines()
        if (found := re.match(r"\| `([a-z0-9_-]+)` \|", line))
    }
    assert set(rows) == set(catalog.slugs())
    for slug, line in rows.items():
        provider = catalog.provider(slug)
        assert provider
        for text in (*provider.env_vars, *provider.variables, *provider.hosts):
            assert f"`{text}`" in line
        assert f"| [{provider.name}](https://" in line
        assert f"({provider.docs_url})" in line
        assert line.count("|") == 6


def test_the_row_to_copy_is_one() -> None:
    shown = next(b for b in blocks(catalog_table.PAGE) if b.option("file") == "row.txt")
    (row,) = ast.literal_eval("{" + shown.text + "}").values()
    assert set(row) <= set(PROVIDERS["anthropic"])
    provider = Provider("acmemail", row)
    assert (provider.variables, provider.companions) == (("ACMEMAIL_API_KEY",), ())
    assert provider.base_url == f"https://{provider.hosts[0]}/v1"


def test_the_page_and_the_command_line_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    written = catalog_table.PAGE.read_text(encoding="utf-8")
    names = [row["slug"] for row in (listed if isinstance(listed, list) else listed["providers"])]
    assert names
    assert all(f"| `{name}` |" in written for name in names)


@pytest.mark.parametrize(
    ("change", "cell"),
    [
        ({"header": ("x-api-key", "{token}")}, "`x-api-key: {token}`"),
        (
            {"header": ("Authorization", "{token}"), "key_prefix": "k_"},
            (
                "`Authorization: {token}` where it begins with `k_`, "
                "else `Authorization: Bearer {token}`"
            ),
        ),
        ({"basic": "api:{token}"}, "basic authentication, `api:{token}`"),
        ({"path": ("/bot{token}",)}, "a path below `/bot{token}`"),
        ({"env": ("A", "B"), "alternatives": ("C",)}, "`A` or `C`, and `B`"),
    ],
)
def test_each_way_to_send_a_credential_has_its_text(change: dict[str, object], cell: str) -> None:
    row = {"name": "Tool", "category": "ai", "env": ("A",), "docs": "https://t", "hosts": ("h",)}
    line = catalog_table._line(Provider("tool", {**row, **change}))  # type: ignore[typeddict-item]  # a row in parts
    assert f"| {cell} |" in line
