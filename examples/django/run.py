"""Run the mailbox and everything it needs, on this machine: `python run.py [PORT]`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from vendo.testing import LocalVendo

# The shared module is in the folder above. That folder does not stay on the path: its folders have
# the names of the frameworks.
sys.path.append(str(Path(__file__).parents[1]))
from platform_on_this_machine import behind_proxy, deliver_webhooks, start

sys.path.pop()


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Do not log requests."""


def main(port: int) -> None:
    """Serve until the process is interrupted or terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with LocalVendo([]) as vendo_here, TemporaryDirectory() as folder:
        os.environ.update(vendo_here.environment("gmail"))
        os.environ.update(
            VENDO_AUTH="1",
            VENDO_TOKEN_DJANGO_SECRET_KEY=os.urandom(32).hex(),
            MAILBOX_DATABASE=str(Path(folder, "mailapp.sqlite3")),
        )
        from django.core.management import call_command
        from mailapp.wsgi import application

        call_command("migrate", verbosity=0)
        call_command("check")
        with ThreadedWSGIServer(("127.0.0.1", port), _Handler) as server:
            server.set_app(behind_proxy(application))
            url = f"http://127.0.0.1:{server.server_port}"
            end_webhooks = deliver_webhooks(vendo_here, f"{url}/api/vendo/webhook/")
            try:
                print(f"Mailbox on {url}/ - stop it with Ctrl-C", flush=True)
                server.serve_forever()
            except KeyboardInterrupt:
                print("Stopped.")
            finally:
                end_webhooks()


if __name__ == "__main__":
    start(main)
