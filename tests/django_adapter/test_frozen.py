"""`vendo.W001` leaves alone what the mail backend renews. Its hints can be followed."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.checks import CheckMessage
from django.test import override_settings

from vendo_django import MaskedStr
from vendo_django.checks import check_frozen_tokens
from vendo_django.mail import EmailBackend

BACKEND = "vendo_django.mail.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
TOKEN = MaskedStr("canary", slug="resend", expires=True)

# Newer releases of Django warn about EMAIL_… settings.
pytestmark = pytest.mark.filterwarnings("ignore:.*MAILERS")


class Subclass(EmailBackend):
    """One of the project's own."""


def found(**project: Any) -> list[CheckMessage]:
    with override_settings(**project):
        return check_frozen_tokens()


@pytest.mark.parametrize("backend", [BACKEND, f"{__name__}.Subclass"])
def test_the_mail_backend_renews_what_settings_keep(backend: str) -> None:
    mailer = {"BACKEND": backend, "OPTIONS": {"username": TOKEN, "password": TOKEN}}

    assert not found(EMAIL_BACKEND=backend, EMAIL_HOST_PASSWORD=TOKEN, EMAIL_HOST_USER=TOKEN)
    assert not found(MAILERS={"default": mailer})


@pytest.mark.parametrize("backend", [SMTP, "no.such.Backend", "", None, 5])
def test_another_mail_backend_keeps_a_token(backend: Any) -> None:
    mailers = {
        "default": {"BACKEND": BACKEND, "OPTIONS": {"password": TOKEN}},
        "other": {"BACKEND": backend, "OPTIONS": {"password": TOKEN}},
        "odd": TOKEN,
    }
    own = {} if backend is None else {"EMAIL_BACKEND": backend}

    [password] = found(EMAIL_HOST_PASSWORD=TOKEN, **own)
    both = found(MAILERS=mailers)

    assert "EMAIL_HOST_PASSWORD" in password.msg
    assert f"EMAIL_BACKEND = '{BACKEND}'" in str(password.hint)
    assert len(both) == 2
    assert f"'BACKEND': '{BACKEND}'" in str(both[0].hint)
    assert not found(MAILERS=5)


@pytest.mark.parametrize("part", [TOKEN[2:], "x-" + TOKEN, TOKEN.upper()])
def test_the_mail_backend_renews_no_part_of_a_token(part: MaskedStr) -> None:
    mailer = {"BACKEND": BACKEND, "OPTIONS": {"username": TOKEN, "password": part}}

    [setting] = found(EMAIL_BACKEND=BACKEND, EMAIL_HOST_PASSWORD=part, EMAIL_HOST_USER=TOKEN)
    [option] = found(MAILERS={"default": mailer, "empty": {"BACKEND": BACKEND}})

    for warning in (setting, option):
        assert "token('resend') unchanged" in str(warning.hint)


def test_following_the_hint_for_mail_ends_the_warning() -> None:
    [warning] = found(EMAIL_HOST_PASSWORD=TOKEN)
    program: dict[str, Any] = {}
    exec(str(warning.hint).partition("Write ")[2].partition(". It")[0], program)

    assert not found(EMAIL_HOST_PASSWORD=TOKEN, EMAIL_BACKEND=program["EMAIL_BACKEND"])


def test_the_hints_for_other_settings() -> None:
    databases = {**settings.DATABASES, "other": {"PASSWORD": TOKEN}}
    with pytest.warns(UserWarning, match="DATABASES"):
        [database] = found(DATABASES=databases)
    [other] = found(API_KEY=TOKEN, EMAIL_BACKEND=BACKEND)

    assert "that does not expire" in str(database.hint)
    assert "client().token('resend')" in str(other.hint)
    assert "canary" not in repr([database, other])
