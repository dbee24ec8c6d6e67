"""Extra `pytest`: the plugin loads automatically, and its fixtures work."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

TEST = """
import vendo

def test_a_token(vendo_token, vendo_usage):
    assert vendo_token("openai", "sk-test") == vendo.token("openai")
    vendo_usage.assert_used("openai")
"""

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "test_probe.py").write_text(TEST, encoding="utf-8")
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", folder]
    sys.exit(pytest.main([*options, folder]))
