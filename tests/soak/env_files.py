"""An env file that the reconciler keeps during a run, and a reader of it."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dotenv

from soak.world import SLUGS
from vendo import reconciler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.world import World
    from vendo import Vendo

_PACE = 0.2


class EnvFiles:
    """Checks, until the run ends, that each variable has a token of its own provider."""

    def __init__(self, world: World, root: Vendo) -> None:
        self._world = world
        self._root = root
        self._mapping = {f"SOAK_{slug.upper()}": slug for slug in SLUGS}
        self.thread = threading.Thread(target=self._run, name="env files")

    def _run(self) -> None:
        with self._kept() as file:
            while not self._world.ended.wait(_PACE):
                with self._world.attempt("env file"):
                    self._check(file)

    @contextmanager
    def _kept(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ".env"
            with reconciler.start(
                env_file=file,
                mapping=self._mapping,
                on_change=None,
                client=self._root,
                poll_sec=_PACE,
            ):
                yield file

    def _check(self, file: Path) -> None:
        for name, value in dotenv.dotenv_values(file).items():
            if value is None or name not in self._mapping:
                self._world.findings.blame("The env file has a line that nobody wrote")
            else:
                self._world.check_token(value, self._mapping[name], None)
