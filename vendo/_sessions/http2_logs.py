"""hpack logs each block of headers at level DEBUG, in a code that anybody can read."""

from __future__ import annotations

import logging

from vendo._protocol.secret import MASK


def mask_header_blocks() -> None:
    """Mask the encoded headers of HTTP/2 in hpack's log, of this and all later requests."""
    logging.getLogger("hpack.hpack").addFilter(_mask)


def _mask(record: logging.LogRecord) -> bool:
    if record.funcName == "encode":
        record.args = (MASK,)
    return True
