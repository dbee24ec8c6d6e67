"""What the sites do with a webhook: note it in a file, so that a test can count."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vendo import WebhookEvent


def handle(event: WebhookEvent) -> None:
    """Add the event's id to the file, after its gate has let it pass if it has one."""
    if "gate" in event.data:
        with socket.create_connection(("127.0.0.1", event.data["gate"])) as gate:
            gate.sendall(f"{os.getpid()}\n".encode())
            gate.recv(1)
    with Path(os.environ["SITE_HANDLED"]).open("a") as file:
        file.write(f"{event.id}\n")
