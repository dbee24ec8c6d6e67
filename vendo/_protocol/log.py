"""The logger of the library, silent until a program adds a handler."""

from __future__ import annotations

import logging

logger = logging.getLogger("vendo")
# Without any handler, Python prints warnings to stderr.
logger.addHandler(logging.NullHandler())
