"""A connection URL as an entry of `DATABASES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from vendo_django import MaskedStr, database

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

POSTGRES = "django.db.backends.postgresql"
MYSQL = "django.db.backends.mysql"
SQLITE = "django.db.backends.sqlite3"


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
        ("postgresql", "ssl=true", {"sslmode": "require"}),
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


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("oracle://ada:canary@db:1521/app", "django.db.backends.oracle"),
        ("mssql://ada:canary@db:1521/app?driver=x", "mssql"),
        ("postgresql://ada:canary@db:1521/app", "django_cockroachdb"),
    ],
)
def test_another_engine_may_have_another_scheme(
    url: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_APP_DATABASE", url)
    entry = database("app-database", ENGINE=engine, OPTIONS=None)
    assert (entry["ENGINE"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        *(engine, "db", 1521, "app"),
    )


@pytest.mark.parametrize("url", ["sqlite:db.sqlite3", "sqlite:/srv/db.sqlite3"])
def test_a_file_without_slashes_is_not_a_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_TOKEN_APP_DATABASE", url)
    with pytest.raises(ImproperlyConfigured, match="sqlite:///"):
        database("app-database")
