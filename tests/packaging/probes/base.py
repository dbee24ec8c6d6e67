"""Every install runs this, the one without extras too."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version

import vendo
from vendo.testing import LocalVendo

assert version("vendo-sdk") == vendo.__version__
assert "site-packages" in vendo.__file__
assert vendo.token("openai") == "sk-probe"
with LocalVendo(connections=["gmail"]) as server, server.client() as client:
    assert client.token("gmail") == server.token("gmail")
    assert [row.slug for row in client.connections.list() if row.is_connected] == ["gmail"]
[plugin] = [point for point in entry_points(group="pytest11") if point.name == "vendo"]
assert plugin.value == "vendo_pytest.plugin"

done = subprocess.run(
    [sys.executable, "-I", "-m", "vendo", "catalog", "openai"],
    capture_output=True,
    text=True,
    check=True,
)
assert "OPENAI_API_KEY" in done.stdout
