"""Programs that a test starts."""

from __future__ import annotations

import subprocess
from typing import Any, AnyStr


class Child(subprocess.Popen[AnyStr]):
    """A process that an error in its `with` block kills: the test fails, and does not hang."""

    def __exit__(self, *error: Any) -> None:
        if any(error):
            self.kill()
        super().__exit__(*error)
