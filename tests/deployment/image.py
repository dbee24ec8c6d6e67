"""The steps of a Dockerfile without Docker: in a folder that stands for `/`, with this Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING

from deployment.page import instructions, replaced
from support.servers import listening, reserved_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: A path of the image. Its other paths are this machine's own.
_PATH = re.compile(r"(?<![\w.:/])/(?=(?:app|venv)\b)")


@dataclass
class Image:
    """What a Dockerfile makes.

    Attributes:
        root: the folder that stands for `/`.
        environment: the variables of a step.
        user: who runs the command.
    """

    root: Path
    environment: dict[str, str]
    user: str = "root"
    _settings: dict[str, str] = field(default_factory=dict)
    _folder: str = ""

    def build(self, dockerfile: str, context: Path) -> None:
        """Carry out the steps.

        Raises:
            CalledProcessError: a step failed.
        """
        for name, rest in instructions(dockerfile):
            getattr(self, f"_{name.lower()}")(_PATH.sub(f"{self.root}/", rest), context)

    def _stage(self, name: str) -> Path:
        return self.root.with_name(f"stage-{name}")

    def _from(self, rest: str, _: Path) -> None:
        if self.root.exists():
            # Installed programs name their path, so each stage is built at the same one.
            self.root.rename(self._stage(self._settings["stage"]))
        self.root.mkdir()
        self._settings = {"stage": rest.partition(" AS ")[2]}
        self._folder = ""
        self.user = "root"

    def _run(self, rest: str, _: Path) -> None:
        self._finish(["sh", "-ec", rest], self.environment)

    def _finish(self, command: list[str], environment: Mapping[str, str]) -> None:
        subprocess.run(
            command, cwd=self.root / self._folder, env=environment, check=True, timeout=300
        )

    def _env(self, rest: str, _: Path) -> None:
        for pair in rest.split():
            name, value = pair.split("=", 1)
            self.environment[name] = Template(value).substitute(self.environment)

    def _workdir(self, rest: str, _: Path) -> None:
        self._folder = rest
        (self.root / rest).mkdir(exist_ok=True)

    def _copy(self, rest: str, context: Path) -> None:
        *options, source, target = rest.split()
        ignored = [line.removeprefix("**/") for line in _ignored(context)]
        for option in options:
            stage = self._stage(option.removeprefix("--from="))
            context, ignored = stage, []
            source = source.removeprefix(f"{self.root}/")
        if (context / source).is_file():
            shutil.copy(context / source, self.root / self._folder / target)
        else:
            shutil.copytree(
                context / source,
                self.root / self._folder / target,
                symlinks=True,
                ignore=shutil.ignore_patterns(*ignored),
                dirs_exist_ok=True,
            )

    def _user(self, rest: str, _: Path) -> None:
        self.user = rest

    def _expose(self, rest: str, _: Path) -> None:
        self._settings["port"] = rest

    def _healthcheck(self, rest: str, _: Path) -> None:
        self._settings["healthcheck"] = rest.removeprefix("CMD ")

    def _cmd(self, rest: str, _: Path) -> None:
        self._settings["command"] = rest

    @contextmanager
    def running(self, variables: Mapping[str, str], log: Path) -> Iterator[str]:
        """Run the command, and yield its address. At the end, stop it as Docker does.

        Raises:
            AssertionError: it did not start, or ended with an error.
        """
        environment = {**self.environment, **variables}
        folder = self.root / self._folder
        with reserved_port() as port:
            here = {"0.0.0.0": "127.0.0.1", self._settings["port"]: str(port)}
            command: list[str] = json.loads(replaced(self._settings["command"], here))
            check: list[str] = json.loads(replaced(self._settings["healthcheck"], here))
            with listening(command, port, log, cwd=folder, env=environment) as process:
                self._finish(check, environment)
                yield f"http://127.0.0.1:{port}"
        assert process.returncode == 0, log.read_text()


def _ignored(context: Path) -> list[str]:
    lines = (context / ".dockerignore").read_text().split()
    assert all(line.startswith("**/") for line in lines), "only these are understood"
    return lines


def building_environment(folder: Path) -> dict[str, str]:
    """Return the variables of a step. None is Vendo's."""
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VENDO_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {
        **kept,
        "PATH": f"{folder / 'bin'}:{os.defpath}",
        "HOME": str(folder),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
