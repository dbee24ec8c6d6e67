"""A connection URL as an entry of `DATABASES`, with values of the types that the drivers want."""

from __future__ import annotations

import json
from types import NoneType
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from vendo_django.masked import MaskedStr

_POSTGRES = "django.db.backends.postgresql"
_POSTGIS = "django.contrib.gis.db.backends.postgis"
_MYSQL = "django.db.backends.mysql"
_SQLITE = "django.db.backends.sqlite3"

_ENGINES = {
    "mariadb": _MYSQL,
    "mysql": _MYSQL,
    "pgsql": _POSTGRES,
    "postgis": _POSTGIS,
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "sqlite": _SQLITE,
}

#: Keys of the query that are keys of the entry: libpq's names, and a socket as Django has it.
_POSTGRES_KEYS = {
    "dbname": "NAME",
    "host": "HOST",
    "password": "PASSWORD",
    "port": "PORT",
    "user": "USER",
}
_MYSQL_KEYS = {"unix_socket": "HOST"}

#: Files of the driver's option `ssl`, as `mysql` names them.
_MYSQL_SSL = {f"ssl_{key}": key for key in ("ca", "capath", "cert", "cipher", "key")}

_FLAG = ((bool,), "true or false")
_SECONDS = ((int, float, NoneType), "a number of seconds, or none")

#: Keys of the query that are keys of the entry, in upper case.
_SETTINGS = {
    "ATOMIC_REQUESTS": _FLAG,
    "CONN_HEALTH_CHECKS": _FLAG,
    "CONN_MAX_AGE": _SECONDS,
    "DISABLE_SERVER_SIDE_CURSORS": _FLAG,
}

#: What Django would not understand as a text, or take for true.
_KINDS = {
    **_SETTINGS,
    "pool": ((bool, dict), "true, false or a JSON object"),
    "server_side_binding": _FLAG,
}

_WORDS = {
    **dict.fromkeys(("1", "on", "true", "yes"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class BadOption(ValueError):
    """A value of the query is of no use to its key. The text contains the key alone."""


def entry_of(url: MaskedStr, engine: str | None = None) -> dict[str, Any]:
    """Return the entry of `DATABASES` for a connection URL. What may be secret is masked.

    Args:
        url: the URL.
        engine: an engine in place of that of the URL's scheme, which may be any then.

    Raises:
        BadOption: the query has a value of the wrong type.
        ValueError: it is not a connection URL. The text may contain the URL.
    """
    parts = urlsplit(str(url))
    engine = _ENGINES.get(parts.scheme, engine)
    if engine is None or parts.fragment or "%00" in url:
        raise ValueError
    if engine == _SQLITE:
        entry: dict[str, Any] = {
            "ENGINE": engine,
            "NAME": _sqlite_name(str(url), parts),
            "OPTIONS": {},
        }
    else:
        entry = {"ENGINE": engine, **_place(parts), "OPTIONS": {}}

    def masked(text: str) -> MaskedStr:
        return MaskedStr(text, slug=url.slug, expires=url.expires)

    keys = {_MYSQL: _MYSQL_KEYS, _POSTGRES: _POSTGRES_KEYS, _POSTGIS: _POSTGRES_KEYS}.get(
        engine, {}
    )
    is_libpq = keys is _POSTGRES_KEYS
    for name, text in _query(parts.query, is_libpq=is_libpq):
        key = name.replace("-", "_") if engine == _MYSQL else name
        if key in keys:
            entry[keys[key]] = text
        elif key.upper() in _SETTINGS:
            entry[key.upper()] = _typed(key.upper(), text, is_libpq=is_libpq)
        elif engine == _MYSQL and key in _MYSQL_SSL:
            entry["OPTIONS"].setdefault("ssl", {})[_MYSQL_SSL[key]] = text
        else:
            # password, passwd, sslpassword, oauth_client_secret
            is_secret = "pass" in key.lower() or "secret" in key.lower()
            value = masked(text) if is_secret else _typed(key, text, is_libpq=is_libpq)
            entry["OPTIONS"][key] = value
    if "PASSWORD" in entry:
        entry["PASSWORD"] = masked(entry["PASSWORD"])
    if not entry["NAME"] and "service" not in entry["OPTIONS"]:
        raise ValueError
    return entry


def _sqlite_name(url: str, parts: SplitResult) -> str:
    if parts.netloc not in {"", ":memory:"} or not url.startswith("sqlite://"):
        raise ValueError
    return _decoded(parts.path[1:]) or ":memory:"


def _place(parts: SplitResult) -> dict[str, Any]:
    """Return what stands before the query: a user, a host or several of them, and a name."""
    if "@" in parts.path:  # a password with an unencoded /
        raise ValueError
    user_info, _, hosts = parts.netloc.rpartition("@")
    user, _, password = user_info.partition(":")
    addresses = [_address(host) for host in hosts.split(",")]
    ports = [port for _, port in addresses]
    return {
        "NAME": _decoded(parts.path[1:]),
        "USER": _decoded(user),
        "PASSWORD": _decoded(password),
        "HOST": ",".join(host for host, _ in addresses),
        "PORT": ",".join(ports) if len(ports) > 1 and any(ports) else int(ports[0] or 0) or "",
    }


def _address(text: str) -> tuple[str, str]:
    """Return host and port. The host may be an IPv6 address, or the folder of a socket."""
    # Not `hostname` and `port`: they are in lower case, and fail for /cloudsql/project:region:name.
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if colon not in {"", ":"}:
            raise ValueError
    elif not colon or (_is_socket(text) and not port.isdecimal()):
        host, port = text, ""
    elif ":" in host and not _is_socket(text):
        raise ValueError
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError
    return _decoded(host), port


def _is_socket(host: str) -> bool:
    return host[:3].lower() == "%2f"


def _query(query: str, *, is_libpq: bool) -> list[tuple[str, str]]:
    """Return the query as PostgreSQL reads it, or as forms do."""
    text = query.replace("+", "%2B") if is_libpq else query
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    # JDBC's ssl=true, which libpq takes in a URL alone.
    jdbc = {("ssl", "true"): ("sslmode", "require")} if is_libpq else {}
    return [jdbc.get(pair, pair) for pair in pairs]


def _decoded(text: str) -> str:
    return unquote(text, errors="strict")


def _typed(key: str, text: str, *, is_libpq: bool) -> object:
    """Return a value of the query as its key wants it.

    Raises:
        BadOption: Django would not understand it.
    """
    value = _value(text)
    if key not in _KINDS:
        # libpq takes texts alone, and a number is the same text again.
        return text if is_libpq and isinstance(value, bool | dict) else value
    kinds, words = _KINDS[key]
    if bool in kinds:
        value = _WORDS.get(text.lower(), value)
    elif text.lower() == "none":
        value = None
    if not isinstance(value, kinds):
        raise BadOption(f"{key} must be {words}")
    return value


def _value(text: str) -> object:
    """Return a number, true, false and an object of JSON as that, and any other text as it is."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # 1e5 stays a text, and null.
    is_number = isinstance(value, int | float) and str(value) == text
    return value if is_number or isinstance(value, dict) else text
