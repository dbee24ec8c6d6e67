"""The library's logger, silent until a program gives it a handler."""

from __future__ import annotations

import logging

logger = logging.getLogger("vendo")
# Without a handler of any kind, Python itself prints warnings to stderr.
logger.addHandler(logging.NullHandler())
