"""Servers without a command of their own: `python -m servers.standalone wsgiref 8000`."""

from __future__ import annotations

import sys
from wsgiref.simple_server import make_server

from servers.all_sites import wsgi


def main(server: str, port: int) -> None:
    """Serve all sites until the process ends."""
    if server == "gevent":
        from gevent.pywsgi import WSGIServer

        WSGIServer(("127.0.0.1", port), wsgi).serve_forever()
    else:
        with make_server("127.0.0.1", port, wsgi) as running:
            running.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
