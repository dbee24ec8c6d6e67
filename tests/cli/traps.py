"""A folder full of modules that the command line could import by mistake."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TRAP = "import sys; open({file!r}, 'a').write({name!r}); raise ImportError('a trap')\n"
#: Not installed here, and imported where they are.
_OPTIONAL = {"certifi", "dotenv", "httpx", "requests", "truststore", "vendo_x"}


def set_traps(folder: Path) -> Path:
    """Write a module of each name that an import can ask for. Each notes when it is imported.

    Returns:
        The file of the notes, which does not exist yet.
    """
    notes = folder / "imported.txt"
    names = {*sys.stdlib_module_names, *packages_distributions(), *_OPTIONAL}
    for name in names - _imported_by_python(folder) - {"vendo"}:
        if name.isidentifier():
            trap = _TRAP.format(file=str(notes), name=f"{name} ")
            (folder / f"{name}.py").write_text(trap, encoding="utf-8")
    return notes


def _imported_by_python(folder: Path) -> set[str]:
    """Return what `python -m` itself imports, before the first line of any module."""
    probe = folder / "probe"
    probe.mkdir()
    (probe / "__main__.py").write_text("import sys; print(*sys.modules)")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "probe"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}
