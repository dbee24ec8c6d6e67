"""The claim of docs/security.md on releases. Details are in `test_workflows.py`."""

from __future__ import annotations

from pathlib import Path

WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "release.yml"


def test_what_is_published_is_what_was_tested() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    _, publish = text.split("\n  publish:\n")
    assert publish.startswith("    needs: [build, test]\n")
    assert publish.index("sha256sum --check --strict") < publish.index("gh-action-pypi-publish")
    assert text.count("python -m build ") == 1
