"""Settings that contain a credential: mail servers and databases.

Mail: providers that accept their API credential as the password of their SMTP server, at one
address for all customers. Databases: a credential that is a connection URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from django.core.exceptions import ImproperlyConfigured

from vendo_django.credentials import token
from vendo_django.masked import MaskedStr

#: The providers that accept their API credential as the password of their SMTP server.
MailSlug: TypeAlias = Literal["postmark", "resend", "sendgrid"]

_BACKEND = "vendo_django.mail.EmailBackend"
#: Seconds. Django's own default is to wait forever.
_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class _Server:
    """A provider's SMTP server. `user` is None where the user name is the credential too."""

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

#: Mail providers that do not accept their API credential on their SMTP server.
_OTHER_LOGIN = {
    "brevo": "Brevo's SMTP server needs an SMTP key, not the API key.",
    "gmail": (
        "Gmail's SMTP server needs the address of the mailbox too, and a token with the scope "
        "https://mail.google.com/."
    ),
    "mailchimp": "Mailchimp's marketing API does not send mail over SMTP.",
    "mailgun": "Mailgun's SMTP server needs the SMTP credentials of a domain, not the API key.",
}


def mailer(slug: MailSlug) -> dict[str, Any]:
    """Return an entry of `MAILERS` (Django 6.1 and newer) for a provider. Both modes.

    Its backend is `vendo_django.mail.EmailBackend`, which takes the present credential each time it
    connects.

    Args:
        slug: `postmark`, `resend` or `sendgrid`.

    Returns:
        The entry, with its `OPTIONS`.

    Raises:
        ImproperlyConfigured: another provider, or the credential is missing.

    Example:
        ```python
        from vendo_django import mailer

        MAILERS = {"default": mailer("resend")}
        ```
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


def email_settings(slug: MailSlug) -> dict[str, Any]:
    """Return the `EMAIL_…` settings for a provider, for Django before 6.1. Both modes.

    The backend is that of `mailer`.

    Args:
        slug: `postmark`, `resend` or `sendgrid`.

    Returns:
        Values by the names of the settings.

    Raises:
        ImproperlyConfigured: another provider, or the credential is missing.

    Example:
        ```python
        from vendo_django import email_settings

        globals().update(email_settings("resend"))
        print(EMAIL_HOST, EMAIL_PORT)
        ```
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
            slug.lower(), f"No SMTP server is known for the credential of {slug!r}."
        )
        raise ImproperlyConfigured(
            f"vendo: {reason} Fix: use one of {', '.join(sorted(_SERVERS))}, or write the settings "
            f"yourself, with the backend {_BACKEND} and a password from token()."
        )
    return server, token(slug)


def database(slug: str, **settings: Any) -> dict[str, Any]:
    """Return an entry of `DATABASES` for a credential that is a connection URL. Both modes.

    Args:
        slug: the credential, `VENDO_TOKEN_APP_DATABASE` in the environment. Its form is
            `postgresql://user:password@host:5432/name?sslmode=require`, or the same with `postgis`
            or `mysql`; a socket is `postgresql://user:password@/name?host=/cloudsql/…`, and a file
            `sqlite:///name.sqlite3`. The query becomes `OPTIONS`, with numbers, truth values and
            JSON objects as those; `conn_max_age`, `conn_health_checks`, `atomic_requests` and
            `disable_server_side_cursors` become keys of the entry.
        settings: further keys of the entry; they and those of `OPTIONS` win over those of the URL.

    Returns:
        The entry. What may be secret in it is masked. While an image is built
        (`VENDO_DJANGO_BUILD=1`), it has Django's dummy backend where the credential is missing.

    Raises:
        ImproperlyConfigured: the credential is missing, or not such a URL. The text never contains
            it.

    Example:
        ```python
        import os

        from vendo_django import database

        os.environ["VENDO_TOKEN_APP_DATABASE"] = "postgresql://shop:secret@db.internal:5432/shop"
        DATABASES = {"default": database("app-database", CONN_MAX_AGE=60)}
        print(DATABASES["default"]["HOST"])  # db.internal
        ```
    """
    url = token(slug)
    if not url:  # an image is built, which uses no database
        return {"ENGINE": "django.db.backends.dummy", **settings}
    from vendo_django.database_url import BadOption, entry_of

    # Raised below: the frames of the parser have the password.
    try:
        entry = entry_of(url, settings.get("ENGINE"))
    except BadOption as error:
        problem = f"in the query of the connection URL of {slug!r}, {error}. Fix: correct the URL."
    except ValueError:
        problem = (
            f"the credential of {slug!r} is not a connection URL of a database. Fix: set "
            "VENDO_TOKEN_APP_DATABASE to the URL that the provider shows, such as "
            "postgresql://user:password@host:5432/name (or postgis://…, mysql://…, sqlite:///…), "
            "with special characters of the password percent-encoded (%2F for /), and write "
            'database("app-database"). The API token of a hosting provider does not log in to its '
            "databases."
        )
    else:
        options = {**entry["OPTIONS"], **(settings.pop("OPTIONS", None) or {})}
        return {**entry, "OPTIONS": options, **settings}
    raise ImproperlyConfigured(f"vendo: {problem}")
