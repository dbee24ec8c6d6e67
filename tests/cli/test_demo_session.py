"""`demo` where requests is installed: it shows a session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.command import Shell


def test_demo_session_outlives_its_token(shell: Shell) -> None:
    done = shell.vendo("demo")

    chapter = done.stdout.partition("\n3. ")[2].partition("\n4. ")[0]
    assert 'session = vendo.session("gmail")' in chapter
    assert re.findall(r"^   (\d+)$", chapter, re.MULTILINE) == ["200", "200"]
    assert "Requests to the provider: 3, one of them rejected." in chapter
