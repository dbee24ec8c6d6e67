"""Mail servers and databases from one credential."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import cast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.test import override_settings

from vendo_django import email_settings, mailer
from vendo_django.mail import EmailBackend
from vendo_django.services import MailSlug

SLUGS: dict[MailSlug, tuple[str, str, str]] = {
    "postmark": ("POSTMARK_SERVER_TOKEN", "smtp.postmarkapp.com", "pm-canary"),
    "resend": ("RESEND_API_KEY", "smtp.resend.com", "resend"),
    "sendgrid": ("SENDGRID_API_KEY", "smtp.sendgrid.net", "apikey"),
}


@pytest.mark.filterwarnings(
    "ignore:.*MAILERS"
)  # newer releases of Django warn about EMAIL_… settings
@pytest.mark.parametrize("slug", SLUGS)
def test_mail_goes_over_tls_with_the_credential_as_the_password(
    slug: MailSlug, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, host, user = SLUGS[slug]
    monkeypatch.setenv(variable, "pm-canary")

    options = mailer(slug)["OPTIONS"]
    settings = email_settings(cast(MailSlug, slug.upper()))

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
        ("gmail", "the scope https://mail.google.com/"),
        ("mailchimp", "not send mail over SMTP"),
        ("openai", "'openai'"),
    ],
)
def test_a_provider_without_smtp_is_an_error_with_the_reason(slug: str, words: str) -> None:
    for make in (mailer, email_settings):
        with pytest.raises(ImproperlyConfigured, match=words) as caught:
            make(cast(MailSlug, slug))
        assert "postmark, resend, sendgrid" in str(caught.value)


def test_a_mail_server_without_its_credential_is_an_error() -> None:
    with pytest.raises(ImproperlyConfigured, match="RESEND_API_KEY"):
        mailer("resend")
