"""Settings that are built around a credential: mail servers and databases.

Mail: only providers whose API credential is the password of their SMTP server, at an address that
is the same for all customers. Databases: a credential that is a connection URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from vendo_django.masked import MaskedStr
from vendo_django.values import token

_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
#: Django's own default is to wait for ever.
_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class _Server:
    """A provider's SMTP server. `user` is None where the credential is the user name as well."""

    host: str
    user: str | None
    docs: str
    port: int = 587


_SERVERS = {
    "postmark": _Server(
        "smtp.postmarkapp.com",
        None,
        "https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
    ),
    "resend": _Server("smtp.resend.com", "resend", "https://resend.com/docs/send-with-smtp"),
    "sendgrid": _Server(
        "smtp.sendgrid.net",
        "apikey",
        "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
    ),
}

#: Providers of mail whose API credential does not log in to their SMTP server.
_OTHER_LOGIN = {
    "brevo": "Brevo's SMTP server takes an SMTP key, which is not the API key.",
    "gmail": "Gmail's SMTP server takes an access token through XOAUTH2, which Django's backend "
    "does not speak.",
    "mailchimp": "Mailchimp's marketing API sends no mail over SMTP.",
    "mailgun": "Mailgun's SMTP server takes the SMTP credentials of a domain, not the API key.",
}

_ENGINES = {
    "mysql": "django.db.backends.mysql",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}


def mailer(slug: str) -> dict[str, Any]:
    """An entry of `MAILERS` (Django 6.1 and newer) that sends through a provider. Both modes.

        MAILERS = {"default": mailer("resend")}

    Args:
        slug: `postmark`, `resend` or `sendgrid`.

    Raises:
        ImproperlyConfigured: another provider, or there is no credential.
    """
    server, password = _login(slug)
    return {
        "BACKEND": _BACKEND,
        "OPTIONS": {
            "host": server.host,
            "port": server.port,
            "username": password if server.user is None else server.user,
            "password": password,
            "use_tls": True,
            "timeout": _TIMEOUT,
        },
    }


def email_settings(slug: str) -> dict[str, Any]:
    """The `EMAIL_…` settings that send through a provider, for Django before 6.1. Both modes.

        globals().update(email_settings("resend"))

    Args:
        slug: `postmark`, `resend` or `sendgrid`.

    Raises:
        ImproperlyConfigured: another provider, or there is no credential.
    """
    server, password = _login(slug)
    return {
        "EMAIL_BACKEND": _BACKEND,
        "EMAIL_HOST": server.host,
        "EMAIL_PORT": server.port,
        "EMAIL_HOST_USER": password if server.user is None else server.user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": True,
        "EMAIL_TIMEOUT": _TIMEOUT,
    }


def _login(slug: str) -> tuple[_Server, MaskedStr]:
    server = _SERVERS.get(slug.lower())
    if server is None:
        reason = _OTHER_LOGIN.get(
            slug.lower(), f"No SMTP server is known that takes the credential of {slug!r}."
        )
        raise ImproperlyConfigured(
            f"vendo: {reason} The providers with such a server: {', '.join(sorted(_SERVERS))}. "
            "For another one write the settings out, with the password from token()."
        )
    return server, token(slug)


def database(slug: str, **settings: Any) -> dict[str, Any]:
    """An entry of `DATABASES` out of a credential that is a connection URL. Both modes.

        DATABASES = {"default": database("app-database", CONN_MAX_AGE=60)}

    Args:
        slug: the credential, such as `VENDO_TOKEN_APP_DATABASE` in the environment. Its form is
            `postgresql://user:password@host:5432/name?sslmode=require`, or the same with `mysql`;
            what follows the `?` becomes `OPTIONS`.
        settings: further keys of the entry; they win over those of the URL.

    Raises:
        ImproperlyConfigured: there is no credential, or it is no such URL. The text never repeats
            it.
    """
    url = token(slug)
    if not url:  # an image is being built, which touches no database
        return {"ENGINE": "django.db.backends.dummy", **settings}
    try:
        return {**_entry(url), **settings}
    except ValueError:
        pass  # its text may hold a part of the password, so that no error may hold it
    raise ImproperlyConfigured(
        f"vendo: the credential of {slug!r} is no connection URL of the form "
        "postgresql://user:password@host:5432/name (or mysql://…), with special characters of the "
        "password percent-encoded (%2F for /). The API token of a hosting provider does not log in "
        "to its databases: keep the connection URL that the provider shows as a credential of its "
        'own, such as VENDO_TOKEN_APP_DATABASE for database("app-database").'
    )


def _entry(url: MaskedStr) -> dict[str, Any]:
    parts = urlsplit(str(url))
    engine = _ENGINES.get(parts.scheme)
    name = unquote(parts.path.removeprefix("/"))
    if engine is None or not parts.hostname or not name:
        raise ValueError
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    if parts.scheme == "mysql":
        options = {key.replace("-", "_"): value for key, value in options.items()}

    def masked(text: str) -> MaskedStr:
        return MaskedStr(text, slug=url.slug, expires=url.expires)

    return {
        "ENGINE": engine,
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": masked(unquote(parts.password or "")),
        "HOST": unquote(parts.hostname),
        "PORT": parts.port or "",
        "OPTIONS": {
            # password, passwd, sslpassword
            key: masked(value) if "pass" in key.lower() else value
            for key, value in options.items()
        },
    }
