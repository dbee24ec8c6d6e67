"""Run a program as on a machine with `vendo-sdk[http]` and no network but loopback.

python -P tests/support/newcomer.py PROGRAM
"""

from __future__ import annotations

import errno
import runpy
import sys
from typing import Any

_OTHER_EXTRAS = ["aiohttp", "django", "flask", "starlette", "fastapi", "pytest", "dotenv"]
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _keep_to_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in _LOOPBACK:
        raise OSError(errno.ENETUNREACH, f"no network: {host}")


if __name__ == "__main__":
    sys.modules.update(dict.fromkeys(_OTHER_EXTRAS))  # type: ignore[arg-type]  # None: not installed
    sys.addaudithook(_keep_to_loopback)
    runpy.run_path(sys.argv[1], run_name="__main__")
