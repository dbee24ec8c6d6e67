"""What the two readers of an env file make of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import dotenv

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def by_dotenv(path: Path) -> dict[str, str | None]:
    """What python-dotenv reads."""
    return dict(dotenv.dotenv_values(path))


def by_shell(path: Path, names: Iterable[str]) -> dict[str, str | None]:
    """What `sh` holds after it has read the file; None for a variable that is not set."""
    names = list(names)
    # `${NAME+x}` tells an unset variable from an empty one, and -u an unset one that is used.
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
    """What both read, once it is sure that they agree; all the variables of the file, or these."""
    read = by_dotenv(path)
    chosen = {name: read.get(name) for name in names or read}
    assert by_shell(path, chosen) == chosen
    return chosen
