"""`demo` where requests is installed: a session lives on after its token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.command import Person


def test_a_session_outlives_its_token(person: Person) -> None:
    done = person.vendo("demo")

    chapter = done.stdout.partition("\n3. ")[2].partition("\n4. ")[0]
    assert 'session = vendo.session("gmail")' in chapter
    assert re.findall(r"^   (\d+)$", chapter, re.MULTILINE) == ["200", "200"]
    assert "Requests at the provider: 3, one of them refused." in chapter
