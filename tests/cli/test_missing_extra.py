"""Commands that need an extra name it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import vendo

if TYPE_CHECKING:
    from cli.command import Shell


def test_env_file_without_python_dotenv_prints_the_pip_command(shell: Shell) -> None:
    shell.hide("dotenv")
    (shell.folder / ".env").write_text("OPENAI_API_KEY=sk-file\n")

    done = shell.vendo("--env-file", ".env", "token", "openai")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'error: dotenv is not installed.\nfix: pip install "vendo-sdk[dotenv]"\n'
    )


def test_doctor_prints_the_pip_commands_of_missing_packages(shell: Shell) -> None:
    # Only vendo itself can be imported.
    packages = shell.folder / "packages"
    packages.mkdir()
    (packages / "vendo").symlink_to(Path(vendo.__file__).parent)
    shell.env["PYTHONPATH"] = str(packages)

    done = subprocess.run(
        [sys.executable, "-S", "-m", "vendo", "doctor"],
        cwd=shell.folder,
        env=shell.env,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert 'requests       not installed: pip install "vendo-sdk[http]"' in lines
    assert 'httpx2         not installed: pip install "vendo-sdk[httpx]"' in lines
    assert not [line for line in lines if line.startswith("httpx ")]
    assert "Adapters" not in lines
