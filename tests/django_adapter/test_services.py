"""Mail servers and databases from one credential."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from vendo_django import MaskedStr, database, email_settings, mailer
from vendo_django.services import _entry

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

SLUGS = {
    "postmark": ("POSTMARK_SERVER_TOKEN", "smtp.postmarkapp.com", "pm-canary"),
    "resend": ("RESEND_API_KEY", "smtp.resend.com", "resend"),
    "sendgrid": ("SENDGRID_API_KEY", "smtp.sendgrid.net", "apikey"),
}


@pytest.mark.filterwarnings(
    "ignore:.*MAILERS"
)  # newer releases of Django warn about EMAIL_… settings
@pytest.mark.parametrize("slug", SLUGS)
def test_mail_goes_over_tls_with_the_credential_as_the_password(
    slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, host, user = SLUGS[slug]
    monkeypatch.setenv(variable, "pm-canary")

    options = mailer(slug)["OPTIONS"]
    settings = email_settings(slug.upper())

    assert (options["host"], options["username"], options["password"]) == (host, user, "pm-canary")
    assert options["use_tls"] is True
    assert options["port"] == 587
    assert "canary" not in repr([options, settings])
    with override_settings(**settings):
        connection = get_connection()
    assert isinstance(connection, EmailBackend)
    assert (connection.host, connection.username) == (host, user)
    assert (connection.password, connection.use_tls) == ("pm-canary", True)


def test_a_mailer_works_with_newer_releases_of_django(monkeypatch: pytest.MonkeyPatch) -> None:
    # In another process: settings with MAILERS cannot have EMAIL_… settings.
    program = """
import django
from django.conf import settings
from vendo_django import mailer
entry = mailer("resend")
if django.VERSION >= (6, 1):
    settings.configure(MAILERS={"default": entry})
    django.setup()
    from django.core.mail import mailers
    made = mailers["default"]
else:
    from importlib import import_module
    settings.configure()
    module, _, name = entry["BACKEND"].rpartition(".")
    made = getattr(import_module(module), name)(**entry["OPTIONS"])
assert (made.host, made.port, made.username) == ("smtp.resend.com", 587, "resend")
assert (made.password, made.use_tls) == ("re_canary", True)
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "RESEND_API_KEY": "re_canary"},
        check=True,
    )


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("mailgun", "SMTP credentials of a domain"),
        ("brevo", "SMTP key"),
        ("gmail", "XOAUTH2"),
        ("mailchimp", "not send mail over SMTP"),
        ("openai", "'openai'"),
    ],
)
def test_a_provider_without_smtp_is_an_error_with_the_reason(slug: str, words: str) -> None:
    for make in (mailer, email_settings):
        with pytest.raises(ImproperlyConfigured, match=words) as caught:
            make(slug)
        assert "postmark, resend, sendgrid" in str(caught.value)


def test_a_mail_server_without_its_credential_is_an_error() -> None:
    with pytest.raises(ImproperlyConfigured, match="RESEND_API_KEY"):
        mailer("resend")


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        (
            "postgresql://ada:p%40ss%2Fcanary@db.example.com:6432/app?sslmode=require",
            {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "app",
                "USER": "ada",
                "PASSWORD": "p@ss/canary",
                "HOST": "db.example.com",
                "PORT": 6432,
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            "postgres://ada:canary@%2Fvar%2Frun%2Fpostgresql/app",
            {"HOST": "/var/run/postgresql", "PORT": "", "OPTIONS": {}},
        ),
        (
            "mysql://ada:canary@db.example.com/app?ssl-mode=REQUIRED",
            {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"ssl_mode": "REQUIRED"}},
        ),
    ],
)
def test_a_connection_url_becomes_a_database(
    url: str, entry: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_APP_DATABASE", url)

    made = database("app-database", CONN_MAX_AGE=60)

    assert {key: made[key] for key in entry} == entry
    assert made["CONN_MAX_AGE"] == 60
    assert isinstance(made["PASSWORD"], MaskedStr)
    assert "canary" not in repr(made)


@pytest.mark.parametrize(
    "credential",
    [
        "sbp_canary",
        "https://user:canary@example.com/app",
        "postgresql://user:canary@/app",
        "postgresql://user:canary@db.example.com/",
        "postgresql://user:canary@one:5432,two:5432/app",
        "postgresql://user:canary@db.example.com:port/app",
        "postgresql://user:canary@[db/app",
        "postgresql://user:canary@db.example.com/app?nonsense",
        "postgresql://user:1canary/2@db.example.com/app",
        "postgresql://user:a]canary@[db.example.com/app",
        "postgresql://user:p@[canary]/app",
    ],
)
def test_another_value_is_an_error_and_not_repeated(
    credential: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_SUPABASE", credential)

    with pytest.raises(ImproperlyConfigured, match="not a connection URL") as caught:
        database("supabase")

    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in str(error)
        error = error.__cause__ or error.__context__


def test_passwords_among_the_options_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["password", "sslpassword", "passwd", "SSL-Pass"]
    query = "&".join(f"{name}=canary" for name in names)
    monkeypatch.setenv(
        "VENDO_TOKEN_APP_DATABASE", f"postgresql://ada@db/app?{query}&sslmode=require"
    )

    made = database("app-database")

    assert made["OPTIONS"] == {**dict.fromkeys(names, "canary"), "sslmode": "require"}
    assert "canary" not in repr(made)
    assert "require" in repr(made)


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


@given(st.text() | st.text().map("postgresql://{}".format))
def test_any_text_is_a_database_or_an_error(text: str) -> None:
    made = _entry(MaskedStr(text))
    assert made is None or (made["NAME"] and made["HOST"])
