"""The TLS settings that connections share: reading the trust store takes longer than a call."""

from __future__ import annotations

import ssl
from functools import lru_cache

from vendo._config.environment import Variable, raw_values

_VARIABLES = (Variable("SSL_CERT_FILE"), Variable("SSL_CERT_DIR"))


def shared_context() -> ssl.SSLContext:
    """The process's TLS context, on the system's trust store.

    OpenSSL lets `SSL_CERT_FILE` and `SSL_CERT_DIR` name another store; a context is kept for each
    such setting, so that changing it takes effect.
    """
    return _context(raw_values(_VARIABLES))


@lru_cache(maxsize=8)
def _context(_seen: object) -> ssl.SSLContext:
    return ssl.create_default_context()
