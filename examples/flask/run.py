"""Run the mailbox and everything it needs, on this machine: `python run.py [PORT]`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from vendo.testing import LocalVendo

# The shared module is in the folder above. That folder does not stay on the path: its folders have
# the names of the frameworks.
sys.path.append(str(Path(__file__).parents[1]))
from platform_on_this_machine import behind_proxy, deliver_webhooks, start

sys.path.pop()


class _Handler(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Do not log requests."""


def main(port: int) -> None:
    """Serve until the process is interrupted or terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with LocalVendo([]) as vendo_here:
        os.environ.update(vendo_here.environment("gmail"), VENDO_AUTH="1")
        from mailapp import create_app

        application = behind_proxy(create_app())
        server = make_server(
            "127.0.0.1", port, application, threaded=True, request_handler=_Handler
        )
        url = f"http://127.0.0.1:{server.server_port}"
        end_webhooks = deliver_webhooks(vendo_here, f"{url}/api/vendo/webhook/")
        try:
            print(f"Mailbox on {url}/ - stop it with Ctrl-C", flush=True)
            server.serve_forever()
        except KeyboardInterrupt:
            pass  # Ctrl-C came before the server could handle it
        finally:
            print("Stopped.")
            end_webhooks()


if __name__ == "__main__":
    start(main)
