"""A connection URL as an entry of `DATABASES`: what Django and the drivers make of it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler
from environ import Env  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from vendo_django import MaskedStr, database
from vendo_django.database_url import entry_of

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo

POSTGRES = "django.db.backends.postgresql"
MYSQL = "django.db.backends.mysql"
SQLITE = "django.db.backends.sqlite3"


def connection_of(entry: dict[str, Any]) -> Any:
    return ConnectionHandler({"default": entry})["default"]


def libpq(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what is for libpq among those, as psycopg reads it."""
    ours = {"client_encoding", "context", "cursor_factory", "prepare_threshold"}
    passed = connection_of(entry).get_connection_params()
    return dict(
        conninfo_to_dict(make_conninfo(**{key: passed[key] for key in passed.keys() - ours}))
    )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(url: str, **settings: Any) -> dict[str, Any]:
        monkeypatch.setenv("VENDO_TOKEN_APP_DATABASE", url)
        return database("app-database", **settings)

    return make


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        (
            "postgresql://ada:p%40ss%2Fcanary@db.example.com:6432/app?sslmode=require",
            {
                "ENGINE": POSTGRES,
                "NAME": "app",
                "USER": "ada",
                "PASSWORD": "p@ss/canary",
                "HOST": "db.example.com",
                "PORT": 6432,
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            "postgres://ada:canary@%2Fvar%2Frun%2FPostgreSQL/app",
            {"HOST": "/var/run/PostgreSQL", "PORT": "", "OPTIONS": {}},
        ),
        (
            "postgresql://ada:canary@/app?host=/cloudsql/project:region:name",
            {"HOST": "/cloudsql/project:region:name", "NAME": "app", "OPTIONS": {}},
        ),
        (
            "postgres://ada:canary@%2Fcloudsql%2Fproject:region:name/app",
            {"HOST": "/cloudsql/project:region:name", "PORT": ""},
        ),
        (
            "postgres://ada:canary@%2fcloudsql%2fproject:region:name:6432/app",
            {"HOST": "/cloudsql/project:region:name", "PORT": 6432},
        ),
        ("pgsql://ada:canary@db.example.com:/app", {"ENGINE": POSTGRES, "PORT": ""}),
        ("postgresql:///app", {"HOST": "", "USER": "", "PASSWORD": ""}),
        ("postgresql://ada:canary@[::1]:6432/app", {"HOST": "::1", "PORT": 6432}),
        ("postgresql://a%40b:p@ss:w%20rd@db/a%2Fb", {"USER": "a@b", "PASSWORD": "p@ss:w rd"}),
        ("postgresql://db/a%2Fb", {"NAME": "a/b"}),
        ("postgresql:///?service=app", {"NAME": "", "OPTIONS": {"service": "app"}}),
        (
            "postgresql://ada:canary@one,two:6432/app?target_session_attrs=read-write",
            {"HOST": "one,two", "PORT": ",6432"},
        ),
        ("postgresql://one,two/app", {"HOST": "one,two", "PORT": ""}),
        (
            "postgresql://db/app?user=ada&password=a+canary&port=6432&dbname=other",
            {"USER": "ada", "PASSWORD": "a+canary", "PORT": "6432", "NAME": "other"},
        ),
        (
            "postgis://ada:canary@db.example.com/app?options=-c%20search_path%3Dgis,public",
            {
                "ENGINE": "django.contrib.gis.db.backends.postgis",
                "OPTIONS": {"options": "-c search_path=gis,public"},
            },
        ),
        (
            "mysql://ada:canary@db.example.com/app?ssl-mode=REQUIRED&ssl-ca=/ca.pem&ssl_key=/k.pem",
            {
                "ENGINE": MYSQL,
                "OPTIONS": {"ssl_mode": "REQUIRED", "ssl": {"ca": "/ca.pem", "key": "/k.pem"}},
            },
        ),
        (
            "mariadb://ada:canary@/app?unix_socket=/tmp/mysql.sock",
            {"ENGINE": MYSQL, "HOST": "/tmp/mysql.sock", "OPTIONS": {}},
        ),
        ("mysql://ada:canary@%2Ftmp%2Fmysql.sock/app", {"HOST": "/tmp/mysql.sock"}),
        (
            "mysql://db/app?init_command=SET+sql_mode%3D'ANSI'",
            {"OPTIONS": {"init_command": "SET sql_mode='ANSI'"}},
        ),
        ("sqlite:///app.sqlite3", {"ENGINE": SQLITE, "NAME": "app.sqlite3"}),
        ("sqlite:////srv/a%20b@c.sqlite3", {"NAME": "/srv/a b@c.sqlite3"}),
        ("sqlite://", {"NAME": ":memory:"}),
        ("sqlite://:memory:", {"NAME": ":memory:"}),
    ],
)
def test_a_connection_url_becomes_a_database(url: str, entry: dict[str, Any], made: Any) -> None:
    found = made(url, CONN_HEALTH_CHECKS=True)

    assert {key: found[key] for key in entry} == entry
    assert found["CONN_HEALTH_CHECKS"] is True
    assert isinstance(found.get("PASSWORD", MaskedStr()), MaskedStr)
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("scheme", "query", "typed"),
    [
        ("postgresql", "connect_timeout=5&keepalives=1", {"connect_timeout": 5, "keepalives": 1}),
        (
            "postgresql",
            "server_side_binding=on&pool=1",
            {"server_side_binding": True, "pool": True},
        ),
        (
            "postgis",
            "server_side_binding=False&pool=off",
            {"server_side_binding": False, "pool": False},
        ),
        ("postgresql", 'pool={"min_size":2}', {"pool": {"min_size": 2}}),
        ("postgresql", "isolation_level=3", {"isolation_level": 3}),
        (
            "postgresql",
            "application_name=TRUE&options={}",
            {"application_name": "TRUE", "options": "{}"},
        ),
        (
            "postgresql",
            "application_name=007&sslmode=",
            {"application_name": "007", "sslmode": ""},
        ),
        ("mysql", "compress=True&local_infile=false", {"compress": True, "local_infile": False}),
        ("mysql", 'ssl={"ca":"/ca.pem"}', {"ssl": {"ca": "/ca.pem"}}),
        ("mysql", "read-timeout=7", {"read_timeout": 7}),
        ("mysql", "a=null&b=NaN&c=[1]&d=1e5", {"a": "null", "b": "NaN", "c": "[1]", "d": "1e5"}),
        ("sqlite", "timeout=0.5", {"timeout": 0.5}),
    ],
)
def test_values_of_the_query_have_their_types(
    scheme: str, query: str, typed: dict[str, Any], made: Any
) -> None:
    options = made(f"{scheme}:///app?{query}")["OPTIONS"]

    assert options == typed
    assert [type(options[key]) for key in typed] == [type(value) for value in typed.values()]


def test_keys_of_the_entry_may_be_in_the_query(made: Any) -> None:
    found = made(
        "postgresql://db/app?conn_max_age=60&CONN_HEALTH_CHECKS=yes&atomic_requests=0"
        "&disable_server_side_cursors=true"
    )

    assert found["OPTIONS"] == {}
    assert found["CONN_MAX_AGE"] == 60
    assert found["CONN_HEALTH_CHECKS"] is True
    assert found["ATOMIC_REQUESTS"] is False
    assert found["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert made("mysql://db/app?conn_max_age=None")["CONN_MAX_AGE"] is None
    assert made("mysql://db/app?conn_max_age=5", CONN_MAX_AGE=7)["CONN_MAX_AGE"] == 7


def test_options_are_added_to_those_of_the_url(made: Any) -> None:
    url = "postgresql://db/app?sslmode=require&pool=true"

    assert made(url, OPTIONS={"pool": False})["OPTIONS"] == {"sslmode": "require", "pool": False}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("conn_max_age=canary", "CONN_MAX_AGE must be a number of seconds, or none"),
        ("atomic_requests=canary", "ATOMIC_REQUESTS must be true or false"),
        ("server_side_binding=2", "server_side_binding must be true or false"),
        ("pool=canary", "pool must be true, false or a JSON object"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error(query: str, words: str, made: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as caught:
        made(f"postgresql://ada:canary@db/app?{query}")
    assert_clean(caught.value)
    assert "'app-database'" in str(caught.value)
    assert " Fix: " in str(caught.value)


@pytest.mark.parametrize(
    "credential",
    [
        "sbp_canary",
        "https://user:canary@example.com/app",
        "postgresql://user:canary@db.example.com/",
        "postgresql://user:canary@db.example.com:port/app",
        "postgresql://user:canary@db.example.com:0/app",
        "postgresql://user:canary@db.example.com:65536/app",
        "postgresql://user:canary@db.example.com:٣/app",
        "postgresql://user:canary@db:1:2/app",
        "postgresql://user:canary@[::1]5/app",
        "postgresql://user:canary@[db/app",
        "postgresql://user:canary@db.example.com/app?nonsense",
        "postgresql://user:1canary/2@db.example.com/app",
        "postgresql://user:1/canary@db.example.com/app",
        "postgresql://user:1#canary@db.example.com/app",
        "postgresql://user:1?canary=@db.example.com/app",
        "postgresql://user:%FFcanary@db.example.com/app",
        "postgresql://user:%00canary@db.example.com/app",
        "postgresql://user:a]canary@[db.example.com/app",
        "postgresql://user:p@[canary]/app",
        "sqlite://canary.sqlite3",
    ],
)
def test_another_value_is_an_error_and_not_repeated(
    credential: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_SUPABASE", credential)

    with pytest.raises(ImproperlyConfigured, match="not a connection URL") as caught:
        database("supabase")
    assert_clean(caught.value)


def assert_clean(error: BaseException) -> None:
    """Assert that neither the text nor a variable of a frame shows the password."""
    assert "canary" not in str(error)
    assert error.__cause__ is error.__context__ is None
    frame = error.__traceback__
    while frame is not None:
        if "vendo_django" in frame.tb_frame.f_code.co_filename:
            assert "canary" not in repr(frame.tb_frame.f_locals)
        frame = frame.tb_next


def test_passwords_among_the_options_are_masked(made: Any) -> None:
    names = ["sslpassword", "passwd", "SSL-Pass", "oauth_client_secret"]
    query = "&".join(f"{name}=canary" for name in names)

    found = made(f"postgresql://ada@db/app?{query}&password=canary&sslmode=require")

    assert found["OPTIONS"] == {**dict.fromkeys(names, "canary"), "sslmode": "require"}
    assert found["PASSWORD"] == "canary"
    assert "canary" not in repr(found)
    assert "require" in repr(found)


def test_a_database_password_knows_its_slug(vendo_mode: LocalVendo) -> None:
    url = "postgresql://ada:canary@db.example.com/app?sslpassword=canary"
    vendo_mode.connect("app-database", token=url, lifetime=3600)

    made = database("App-Database")

    for password in (made["PASSWORD"], made["OPTIONS"]["sslpassword"]):
        assert (password, password.slug, password.expires) == ("canary", "app-database", True)


def test_in_a_build_the_database_is_a_dummy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")

    assert database("app-database", ATOMIC_REQUESTS=True) == {
        "ENGINE": "django.db.backends.dummy",
        "ATOMIC_REQUESTS": True,
    }


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
