"""What lines of a program import in a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys


def imported_after(before: str, lines: str) -> set[str]:
    """Return the modules that some lines import in a new interpreter, after others have run."""
    known = "import sys\nknown = set(sys.modules)"
    program = f"{before}\n{known}\n{lines}\nprint(*set(sys.modules) - known)"
    # Measuring coverage would import modules of its own.
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VENDO_", "COVERAGE_"))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())
