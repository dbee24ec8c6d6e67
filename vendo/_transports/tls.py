"""The TLS context that connections share: reading the trust store takes longer than a call."""

from __future__ import annotations

import ssl
from functools import lru_cache

from vendo._config.environment import Variable, raw_values

_VARIABLES = (Variable("SSL_CERT_FILE"), Variable("SSL_CERT_DIR"))


def shared_context() -> ssl.SSLContext:
    """Return the TLS context of the process, with the system's trust store.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` set another store for OpenSSL. A context is cached for each
    of their values, so that a change takes effect.
    """
    return _context(raw_values(_VARIABLES))


@lru_cache(maxsize=8)
def _context(_seen: object) -> ssl.SSLContext:
    return ssl.create_default_context()
