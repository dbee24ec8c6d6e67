"""What Django's backends and the drivers make of a connection URL."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.db.utils import ConnectionHandler
from environ import Env  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from vendo_django import MaskedStr
from vendo_django.database_url import entry_of

if TYPE_CHECKING:
    from pathlib import Path


def connection_of(entry: dict[str, Any]) -> Any:
    return ConnectionHandler({"default": entry})["default"]


def libpq(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what Django passes on to libpq, as psycopg reads it."""
    ours = {"client_encoding", "context", "cursor_factory", "prepare_threshold"}
    passed = connection_of(entry).get_connection_params()
    return dict(
        conninfo_to_dict(make_conninfo(**{key: passed[key] for key in passed.keys() - ours}))
    )


def test_postgresql_gets_what_psycopg_wants() -> None:
    entry = entry_of(
        MaskedStr(
            "postgresql://ada:canary@db:6432/app?connect_timeout=5&server_side_binding=true"
            "&pool=true&prepare_threshold=3&sslmode=require&application_name=true"
        )
    )

    connection = connection_of(entry)
    passed = connection.get_connection_params()

    assert passed["cursor_factory"].__name__ == "ServerBindingCursor"
    assert passed["prepare_threshold"] == 3
    assert "pool" not in passed
    assert connection.pool is not None
    connection.close_pool()


def test_sqlite_opens_the_file_with_its_options(tmp_path: Path) -> None:
    file = tmp_path / "app.sqlite3"
    url = (
        f"sqlite:///{file}?timeout=0.5&transaction_mode=IMMEDIATE&init_command=PRAGMA+synchronous=1"
    )
    connection = connection_of(entry_of(MaskedStr(url)))

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone() == (1,)
    connection.close()

    assert file.exists()
    assert connection.transaction_mode == "IMMEDIATE"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ada:p%40ss@db.example.com:6432/app?sslmode=require&connect_timeout=5",
        "postgresql://ada:canary@one:5432,two:5433/app?target_session_attrs=read-write",
        "pgsql://ada@db/app?options=-c%20search_path%3Dshop&conn_max_age=60&atomic_requests=True",
        "postgis://ada:canary@[::1]/app",
        "mysql://ada:canary@db:3306/app?connect_timeout=5&charset=utf8mb4&init_command=SET+a%3D1",
        "sqlite:///app.sqlite3",
        "sqlite:////srv/app.sqlite3?timeout=20",
        "sqlite://:memory:",
    ],
)
def test_a_project_that_comes_from_django_environ_has_the_same_database(url: str) -> None:
    made = entry_of(MaskedStr(url))
    theirs = {key: value for key, value in Env.db_url_config(url).items() if value}

    assert {key: made.get(key) for key in theirs} == theirs


MYSQL_URL = (
    "mysql://ada:canary@%2Ftmp%2Fmysql.sock/app?connect_timeout=5&read-timeout=7&compress=false"
    "&charset=utf8mb4&autocommit=true&ssl-verify-identity=false&isolation_level=serializable"
)
#: PyMySQL raises where a value has the wrong type, and connects later.
MYSQL_PROGRAM = """
import pymysql
pymysql.version_info = (2, 2, 7, "final", 0)  # the oldest mysqlclient that Django wants
pymysql.install_as_MySQLdb()
from django.db.utils import ConnectionHandler
from vendo_django import database
passed = ConnectionHandler({"default": database("app-database")})["default"].get_connection_params()
connection = pymysql.connect(defer_connect=True, **passed)
assert connection.connect_timeout == 5, connection.connect_timeout
assert connection._read_timeout == 7
assert connection.unix_socket == "/tmp/mysql.sock"
assert connection.autocommit_mode is True
assert connection.password == b"canary"
assert connection.db == "app"
"""


def test_mysql_gets_what_its_driver_wants() -> None:
    # In another process: PyMySQL takes the place of another module there.
    subprocess.run(
        [sys.executable, "-W", "error", "-c", MYSQL_PROGRAM],
        env={**os.environ, "VENDO_TOKEN_APP_DATABASE": MYSQL_URL},
        check=True,
    )


texts = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12)
hosts = st.from_regex(r"[A-Za-z][A-Za-z0-9.-]{0,8}", fullmatch=True) | texts.map("/{}".format)
addresses = st.tuples(hosts.map(lambda host: quote(host, safe="")), st.integers(0, 65_535)).map(
    lambda pair: f"{pair[0]}:{pair[1]}" if pair[1] else pair[0]
)
queries = st.dictionaries(
    st.sampled_from(
        ["application_name", "connect_timeout", "host", "options", "password", "sslmode", "user"]
    ),
    texts | st.integers(0, 99).map(str) | st.sampled_from(["true", "FALSE", "{}", "1.0", "None"]),
)


@given(texts, texts, st.lists(addresses, min_size=1, max_size=3), texts, queries)
def test_a_url_means_to_django_what_it_means_to_libpq(
    user: str, password: str, places: list[str], name: str, query: dict[str, str]
) -> None:
    pairs = "&".join(f"{key}={quote(value, safe='+/')}" for key, value in query.items())
    user_info = f"{quote(user, safe='')}:{quote(password, safe='')}"
    url = f"postgresql://{user_info}@{','.join(places)}/{quote(name, safe='')}?{pairs}"

    entry = entry_of(MaskedStr(url))

    expected = dict(conninfo_to_dict(url))
    if set(str(expected.get("port"))) == {","}:
        del expected["port"]  # several default ports
    assert libpq(entry) == expected
    assert repr(entry["PASSWORD"]) == repr("*" * 20)


@given(st.text() | st.text().map("postgresql://{}".format) | st.text().map("mysql://{}".format))
def test_any_text_is_a_database_or_an_error(text: str) -> None:
    try:
        made = entry_of(MaskedStr(text))
    except ValueError:
        return
    assert made["NAME"] or "service" in made["OPTIONS"]
