"""A reader with all that a page may use: every provider, every mode, and the hosts of both."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from manual.reader import Reader
from support.internet import internet
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def connected_reader(tmp_path: Path) -> Iterator[Reader]:
    """Yield a reader with an empty folder, every provider connected, and three environments."""
    slugs = catalog.slugs()
    folder = tmp_path / "reader"
    folder.mkdir()
    # The heartbeat notices a stream whose program has ended.
    backend = LocalVendo(connections=dict.fromkeys(slugs), heartbeat=0.1)
    with backend as server, internet(server) as net:
        base = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "NO_COLOR": "1",
            **net.environment,
        }
        oss = {
            variable: server.token(slug)
            for slug in slugs
            for variable in catalog.env_vars(slug)[:1]
        }
        vendo = {
            "VENDO_API_KEY": server.api_key,
            "VENDO_WEBHOOK_SECRET": server.environment()["VENDO_WEBHOOK_SECRET"],
        }
        environments = {"bare": base, "oss": {**base, **oss}, "vendo": {**base, **vendo}}
        with Reader(server, environments, folder) as reader:
            yield reader
        server.reset()  # end event streams now, not at their next heartbeat
