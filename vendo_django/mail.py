"""`EmailBackend`: Django's SMTP backend, with the credential as it is when it connects."""

from __future__ import annotations

import smtplib

from django.core.mail.backends import smtp

from vendo.errors import VendoError
from vendo_django.clients import client
from vendo_django.masked import MaskedStr

#: Slugs whose token Google's mail server takes as a bearer token, and not as a password.
_BEARER = frozenset({"gmail", "google"})
#: The server's code for credentials that are not valid.
_REJECTED = 535


class EmailBackend(smtp.EmailBackend):
    """Send mail with Django's SMTP backend, and the present credential. Both modes.

    It takes the credential each time it connects.

    A password or user name from `token` names the credential to take from the application's client;
    any other is used as it is, and so is what was made out of a token. If the server rejects the
    credential, the backend takes a new one, and connects once more. With the token of `gmail` or
    `google` it logs in by XOAUTH2, for which the connection needs the scope
    `https://mail.google.com/`.

    The constructor has the arguments of Django's backend. `open` and `send_messages` raise, unless
    `fail_silently` is set, what Django's backend does, and a `VendoError` such as `NotConnected`
    where the credential is missing.

    Example:
        ```python
        from vendo_django import email_settings

        settings = email_settings("resend")  # in settings.py: globals().update(...)
        print(settings["EMAIL_BACKEND"])  # vendo_django.mail.EmailBackend
        ```
    """

    fail_silently: bool
    password: str
    username: str

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The class of a connection, which keeps what it sends at the login to itself."""
        return _TLSConnection if self.use_ssl else _Connection

    def open(self) -> bool | None:
        """Connect with the current credential; see Django's backend."""
        if self.connection:
            return False
        silently, self.fail_silently = self.fail_silently, False
        try:
            return self._connect()
        except (OSError, VendoError):
            self.close()
            if silently:
                return None
            raise
        finally:
            self.fail_silently = silently

    def _connect(self) -> bool | None:
        self._renew()
        try:
            return super().open()
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code != _REJECTED or not self._replace():
                raise
        self.close()  # older releases of Django keep a connection that is not logged in
        return super().open()

    def _renew(self) -> None:
        self.username = _current(self.username)
        self.password = _current(self.password)

    def _replace(self) -> bool:
        """Ask for a credential in place of a rejected one. Return False if there is no other."""
        rejected = self.password
        if not isinstance(rejected, MaskedStr) or not _is_renewed(rejected):
            return False
        client().invalidate(rejected.slug, token=str(rejected))
        self._renew()
        return self.password != rejected


def _current(value: str) -> str:
    if not isinstance(value, MaskedStr) or not _is_renewed(value):
        return value
    return MaskedStr(client().token(value.slug), slug=value.slug, expires=value.expires)


def _is_renewed(value: MaskedStr) -> bool:
    return bool(value.slug) and not value.is_part


class _Connection(smtplib.SMTP):
    _rejection: smtplib.SMTPAuthenticationError | None = None

    def login(
        self, user: str, password: str, *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        # The frames of smtplib's errors have the password in plain text.
        try:
            if isinstance(password, MaskedStr) and password.slug in _BEARER:
                return self._bear(user, password)
            return super().login(user, password, initial_response_ok=initial_response_ok)
        except smtplib.SMTPServerDisconnected as error:
            # Perhaps after a rejection: smtplib goes on with the next mechanism then.
            failure: OSError = self._rejection or error
        except OSError as error:
            failure = error
        except UnicodeEncodeError:
            failure = smtplib.SMTPException(
                "The user name and the password of a mail server must be ASCII. Fix: correct the "
                "setting or the credential."
            )
        failure.__context__ = failure.__cause__ = None
        raise failure.with_traceback(None)

    def auth(
        self, mechanism: str, authobject: smtplib._AuthObject, *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        level, self.debuglevel = self.debuglevel, 0  # smtplib prints what it sends
        try:
            return super().auth(mechanism, authobject, initial_response_ok=initial_response_ok)
        except smtplib.SMTPAuthenticationError as error:
            self._rejection = error
            raise
        finally:
            self.debuglevel = level

    def _bear(self, user: str, token: MaskedStr) -> tuple[int, bytes]:
        def respond(challenge: bytes | None = None) -> str:
            # The challenge describes an error. The server sends its code after an empty response.
            return "" if challenge else f"user={user}\1auth=Bearer {token}\1\1"

        self.ehlo_or_helo_if_needed()
        return self.auth("XOAUTH2", respond)


class _TLSConnection(_Connection, smtplib.SMTP_SSL):
    pass
