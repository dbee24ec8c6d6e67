"""Each claim of the page on security has a test of its name, and each of those tests a claim."""

from __future__ import annotations

import ast
import re

from manual.blocks import ROOT

TESTS = ROOT / "tests"


def claims() -> list[str]:
    """Return the names of the tests that the page promises: its bold sentences."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    sentences = re.findall(r"\*\*([^*]+\.)\*\*", page)
    words = [re.sub(r"[^a-z0-9]+", "_", text.lower().replace("'", "")) for text in sentences]
    return [f"test_{name.strip('_')}" for name in words]


def names_of_tests() -> set[str]:
    """Return the names of the tests in `tests/security` and of each `test_security.py`.

    They are read and not imported, since a framework may be missing.
    """
    found = set()
    for file in (*TESTS.glob("security/test_*.py"), *TESTS.glob("*/test_security.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.add(node.name)
    return found


def test_each_claim_of_the_security_page_has_a_test_and_each_test_a_claim() -> None:
    promised = claims()

    assert len(promised) > 50
    assert sorted(set(promised)) == sorted(promised)
    assert sorted(promised) == sorted(names_of_tests())
