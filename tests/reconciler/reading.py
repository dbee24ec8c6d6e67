"""Read an env file with python-dotenv and with a shell."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import dotenv

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def by_dotenv(path: Path) -> dict[str, str | None]:
    """Read it with python-dotenv."""
    return dict(dotenv.dotenv_values(path))


def by_shell(path: Path, names: Iterable[str]) -> dict[str, str | None]:
    """Read it with `sh`; None for a variable that is not set."""
    names = list(names)
    # `${NAME+=}` distinguishes an unset variable from an empty one.
    script = '. "$1"\n' + "".join(
        f'printf "%s%s\\0" "${{{name}+=}}" "${{{name}-}}"\n' for name in names
    )
    done = subprocess.run(
        ["sh", "-u", "-c", script, "sh", str(path)],
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        check=True,
        timeout=30,
    )
    assert not done.stderr, done.stderr
    values = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return {
        name: value[1:] if value.startswith("=") else None
        for name, value in zip(names, values, strict=True)
    }


def written(path: Path, *names: str) -> dict[str, str | None]:
    """Check that both read the same, and return it: all variables of the file, or these."""
    read = by_dotenv(path)
    chosen = {name: read.get(name) for name in names or read}
    assert by_shell(path, chosen) == chosen
    return chosen
