"""A real nginx, with a certificate of its own and without privileges."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import trustme

from support.servers import listening, reserved_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/temporary;
    proxy_temp_path {folder}/temporary;
    fastcgi_temp_path {folder}/temporary;
    uwsgi_temp_path {folder}/temporary;
    scgi_temp_path {folder}/temporary;
{servers}
}}
"""


def write_certificate(folder: Path, *hosts: str) -> Path:
    """Write `tls.pem` and `tls.key` into a folder, and return the file of the authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert(*hosts)
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(folder / "tls.pem"), append=number > 0)
    certificate.private_key_pem.write_to_path(str(folder / "tls.key"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return folder / "authority.pem"


@contextmanager
def nginx(servers: str, folder: Path) -> Iterator[int]:
    """Run nginx with these `server` blocks, and yield its port. `{port}` is filled in.

    Raises:
        AssertionError: it did not start.
    """
    configuration = folder / "nginx.conf"
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    with reserved_port() as port:
        configuration.write_text(
            _CONFIGURATION.format(folder=folder, servers=servers.replace("{port}", str(port)))
        )
        with listening(command, port, folder / "nginx.log"):
            yield port
