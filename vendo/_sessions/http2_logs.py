"""hpack logs the headers of HTTP/2 at level DEBUG, plain and in a code that anybody can read."""

from __future__ import annotations

import logging

from vendo._protocol.secret import MASK


def mask_headers() -> None:
    """Mask the values of headers in hpack's log, of this and all later requests.

    h2 gives hpack plain bytes, so it is not known which of them are secrets.
    """
    for name in ("hpack.hpack", "hpack.table"):
        logging.getLogger(name).addFilter(_mask)


def _mask(record: logging.LogRecord) -> bool:
    args = record.args
    if isinstance(args, tuple):
        # The first of several arguments is the name of a header.
        names = args[:1] if len(args) > 1 and isinstance(args[0], bytes) else ()
        values = args[len(names) :]
        record.args = (*names, *(MASK if isinstance(v, bytes | tuple) else v for v in values))
    return True
