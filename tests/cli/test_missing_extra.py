"""What an extra is needed for says which one, whether it is installed here or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import vendo

if TYPE_CHECKING:
    from cli.command import Person


def test_an_env_file_without_python_dotenv_names_the_pip_line(person: Person) -> None:
    person.hide("dotenv")
    (person.folder / ".env").write_text("OPENAI_API_KEY=sk-file\n")

    done = person.vendo("--env-file", ".env", "token", "openai")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'error: This needs dotenv, which is not installed.\nfix: pip install "vendo-sdk[dotenv]"\n'
    )


def test_doctor_names_the_pip_line_of_what_is_not_installed(person: Person) -> None:
    # Python without what is installed, but for the package itself.
    packages = person.folder / "packages"
    packages.mkdir()
    (packages / "vendo").symlink_to(Path(vendo.__file__).parent)
    person.env["PYTHONPATH"] = str(packages)

    done = subprocess.run(
        [sys.executable, "-S", "-m", "vendo", "doctor"],
        cwd=person.folder,
        env=person.env,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert 'requests       not installed: pip install "vendo-sdk[http]"' in lines
    assert 'httpx2         not installed: pip install "vendo-sdk[httpx]"' in lines
    assert not [line for line in lines if line.startswith("httpx ")]
    assert "Adapters" not in lines
