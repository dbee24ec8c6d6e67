"""Run the mailbox and everything it needs, on this machine: `python run.py [PORT]`."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from vendo.testing import LocalVendo

# The shared module is in the folder above. That folder does not stay on the path: its folders have
# the names of the frameworks.
sys.path.append(str(Path(__file__).parents[1]))
from platform_on_this_machine import behind_async_proxy, deliver_webhooks, start

sys.path.pop()


def main(port: int) -> None:
    """Serve until the process is interrupted or terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with LocalVendo([]) as vendo_here, socket.socket() as listening:
        os.environ.update(vendo_here.environment("gmail"), VENDO_AUTH="1")
        from mailapp import create_app

        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        end_webhooks = deliver_webhooks(vendo_here, f"{url}/api/vendo/webhook/")
        server = uvicorn.Server(
            uvicorn.Config(behind_async_proxy(create_app()), log_level="warning", lifespan="on")
        )
        try:
            print(f"Mailbox on {url}/ - stop it with Ctrl-C", flush=True)
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            pass
        finally:
            print("Stopped.")
            end_webhooks()


if __name__ == "__main__":
    start(main)
