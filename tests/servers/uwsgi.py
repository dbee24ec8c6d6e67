"""uWSGI as a module: `python -m servers.uwsgi --http-socket …`."""

from __future__ import annotations

import sys

import pyuwsgi

if __name__ == "__main__":
    pyuwsgi.run(sys.argv[1:])
