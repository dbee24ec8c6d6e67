"""The mail backend sends with the credential as it is when it connects."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from django.core.mail import EmailMessage
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

import vendo
from support.imports import imported_after
from support.mail_server import MailServer, mail_server
from vendo_django import MaskedStr, client, token
from vendo_django.mail import EmailBackend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo

CANARY = "".join(reversed("yranac-er"))


def backend(server: MailServer, password: str, **options: Any) -> EmailBackend:
    """Return the backend as Django makes it for `MAILERS`; older releases ignore the alias."""
    options = {"host": "127.0.0.1", "port": server.port, "username": "ada", **options}
    return EmailBackend(password=password, timeout=30, alias="default", **options)


def send(connection: EmailBackend) -> int | None:
    return connection.send_messages(
        [EmailMessage("Hello", "…", "a@example.com", ["b@example.com"])]
    )


def passwords(server: MailServer) -> list[str]:
    return [password for _, _, password in server.logins]


@pytest.fixture
def connected(vendo_mode: LocalVendo) -> LocalVendo:
    vendo_mode.connect("resend", lifetime=3600)
    return vendo_mode


@pytest.fixture
def mails(connected: LocalVendo) -> Iterator[MailServer]:
    """Return a mail server that accepts the token which Vendo has now."""
    with mail_server(lambda password: password == connected.token("resend")) as server:
        yield server


def test_a_token_that_was_renewed_is_used_for_the_next_mail(
    connected: LocalVendo, mails: MailServer
) -> None:
    connection = backend(mails, token("resend"))
    assert send(connection) == 1
    connected.rotate("resend")
    client().invalidate("resend")  # as an event of the platform does

    assert send(connection) == 1

    assert passwords(mails) == list(dict.fromkeys(passwords(mails)))
    assert len(passwords(mails)) == len(mails.mails) == mails.connections == 2


def test_what_is_made_of_a_token_is_sent_as_it_is(connected: LocalVendo) -> None:
    whole = token("resend")
    made = ["u-" + whole, whole[4:], whole.upper(), whole.replace("local", "canary")]
    sent = [str(text) for text in made]
    with mail_server(lambda _password: True) as server:
        for text in made:
            connected.rotate("resend")
            assert send(backend(server, text, username=text)) == 1
        client().invalidate("resend")
        assert send(backend(server, whole.strip())) == 1  # nothing was cut off

    *parts, last = server.logins
    assert [(user, password) for _, user, password in parts] == [(text, text) for text in sent]
    assert last[-1] == connected.token("resend")


def test_a_rejected_token_is_replaced_once(connected: LocalVendo, mails: MailServer) -> None:
    connection = backend(mails, token("resend"))
    old, new = connected.token("resend"), connected.rotate("resend")

    assert send(connection) == 1

    assert list(dict.fromkeys(passwords(mails))) == [old, new]
    assert mails.connections == 2
    assert client().token("resend") == new


def test_a_server_that_hangs_up_after_a_rejection(connected: LocalVendo, mails: MailServer) -> None:
    mails.hangs_up = True
    connection = backend(mails, token("resend"))
    connected.rotate("resend")

    assert send(connection) == 1


def test_a_credential_that_is_rejected_again_is_an_error(
    connected: LocalVendo, mails: MailServer
) -> None:
    mails.accepts = lambda _: False

    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(backend(mails, token("resend")))

    assert mails.connections <= 2
    assert send(backend(mails, token("resend"), fail_silently=True)) == 0


def test_a_passing_failure_of_the_login_keeps_the_token(
    connected: LocalVendo, mails: MailServer
) -> None:
    mails.accepts = lambda _: False
    mails.response = "454 4.7.0 Temporary authentication failure"
    connection = backend(mails, token("resend"))
    connected.clear_requests()

    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(connection)

    assert mails.connections == 1
    assert not connected.requests


@pytest.mark.parametrize("silently", [False, True])
def test_a_provider_that_was_disconnected_is_an_error_that_says_so(
    silently: bool, connected: LocalVendo, mails: MailServer
) -> None:
    connection = backend(mails, token("resend"), fail_silently=silently)
    connected.disconnect("resend")
    client().invalidate("resend")

    if silently:
        assert send(connection) == 0
        assert connection.fail_silently is True
    else:
        with pytest.raises(vendo.NotConnected, match="resend"):
            send(connection)
    assert not mails.logins


def test_a_provider_that_is_disconnected_while_it_logs_in(
    connected: LocalVendo, mails: MailServer
) -> None:
    def accepts(_: str) -> bool:
        connected.set_status("resend", "needs_reauth")
        return False

    connection = backend(mails, token("resend"))
    mails.accepts = accepts

    with pytest.raises(vendo.NeedsReauth):
        send(connection)


def test_in_oss_mode_the_variable_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("re_old")
    monkeypatch.setenv("RESEND_API_KEY_FILE", str(file))

    def accepts(password: str) -> bool:
        if password == "re_old":
            file.write_text("re_new")  # replaced while the backend logs in
        return password == "re_new"

    with mail_server(accepts) as mails:
        connection = backend(mails, token("resend"))
        assert send(connection) == 1
        file.write_text("re_new")
        assert send(connection) == 1
        assert list(dict.fromkeys(passwords(mails))) == ["re_old", "re_new"]

        mails.accepts = lambda _: False
        with pytest.raises(smtplib.SMTPAuthenticationError):
            send(connection)
        assert mails.connections == 4  # there is no other credential to try

        monkeypatch.delenv("RESEND_API_KEY_FILE")
        with pytest.raises(vendo.NotConnected, match="RESEND_API_KEY"):
            send(connection)


def test_a_user_name_that_is_the_credential_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "pm-old")
    credential = token("postmark")
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "pm-new")

    with mail_server(lambda password: password == "pm-new") as mails:
        assert send(backend(mails, credential, username=credential)) == 1

    assert mails.logins == [("PLAIN", "pm-new", "pm-new")]


def test_a_password_of_its_own_is_used_as_it_is() -> None:
    with mail_server(lambda password: password == "secret") as mails:
        assert send(backend(mails, "secret")) == 1
        with pytest.raises(smtplib.SMTPAuthenticationError):
            send(backend(mails, "wrong"))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            send(backend(mails, MaskedStr("wrong")))
        mails.logins.clear()
        with backend(mails, "", username=""):
            assert mails.logins == []


def test_many_mails_go_over_an_open_connection(connected: LocalVendo, mails: MailServer) -> None:
    with backend(mails, token("resend")) as connection:
        assert connection.open() is False
        assert [send(connection), send(connection)] == [1, 1]

    assert (len(mails.logins), len(mails.mails), mails.connections) == (1, 2, 1)


def test_google_gets_a_bearer_token(vendo_mode: LocalVendo) -> None:
    def accepts(line: str) -> bool:
        return line == f"auth=Bearer {vendo_mode.token('gmail')}"

    with mail_server(accepts) as mails:
        connection = backend(mails, token("gmail"))
        vendo_mode.rotate("gmail")

        assert send(connection) == 1

        assert [login[:2] for login in mails.logins] == [("XOAUTH2", "user=ada")] * 2
        mails.accepts = lambda _: False
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            send(connection)
        assert caught.value.smtp_code == 535


@pytest.mark.parametrize("tls", ["start", "implicit"])
def test_mail_goes_over_tls(tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEND_API_KEY", "re_key")
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    options = {"use_tls": True} if tls == "start" else {"use_ssl": True}

    with mail_server(lambda password: password == "re_key", context, tls=tls) as mails:
        assert send(backend(mails, token("resend"), **options)) == 1


@pytest.mark.parametrize("slug", ["resend", "gmail"])
@pytest.mark.parametrize("hangs_up", [False, True])
def test_no_debug_page_and_no_output_has_the_password(
    slug: str, hangs_up: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESEND_API_KEY", CANARY)
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", CANARY)
    monkeypatch.setattr(smtplib.SMTP, "debuglevel", 1)

    def accepts(_: str) -> bool:
        if hangs_up:
            raise ConnectionResetError  # the server's own failure ends the connection
        return False

    with mail_server(accepts) as mails:
        mails.hangs_up = hangs_up
        with pytest.raises(smtplib.SMTPException) as caught:
            send(backend(mails, token(slug)))
    page = page_of(caught)
    printed = capsys.readouterr().err

    assert "'ehlo " in printed
    assert_has_no_canary(page + printed + repr(caught.value))


def page_of(caught: pytest.ExceptionInfo[BaseException]) -> str:
    """Return Django's debug page, without the frames of this test."""
    request = RequestFactory().get("/")
    reporter = ExceptionReporter(request, caught.type, caught.value, caught.tb.tb_next)
    return reporter.get_traceback_html() + reporter.get_traceback_text()


def assert_has_no_canary(text: str) -> None:
    assert CANARY not in text
    for offset in range(3):  # base64 of the canary, wherever it begins
        encoded = base64.b64encode(b"\0" * offset + CANARY.encode()).decode()
        assert encoded[4:-4] not in text
    assert "smtplib" in text


def test_a_credential_that_is_not_ascii_is_an_error_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESEND_API_KEY", CANARY)

    with mail_server(lambda _: True) as mails:
        with pytest.raises(smtplib.SMTPException, match="must be ASCII") as caught:
            send(backend(mails, token("resend"), username="ädä"))
        with pytest.raises(smtplib.SMTPException, match=" Fix: "):
            send(backend(mails, "pässword"))

    assert_has_no_canary(page_of(caught))
    assert caught.value.__context__ is None


def test_a_connection_that_breaks_at_the_login_hides_what_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESEND_API_KEY", CANARY)

    with mail_server(lambda _: True) as mails:
        connection_class = backend(mails, "").connection_class
        broken = connection_class("127.0.0.1", mails.port)
        broken.ehlo()
        assert broken.sock is not None
        broken.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(smtplib.SMTPServerDisconnected) as caught:
            broken.login("ada", token("resend"))

    assert_has_no_canary(page_of(caught))
    assert caught.value.__context__ is None


def test_a_server_that_is_away_is_an_error_as_in_django(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEND_API_KEY", "re_key")
    with mail_server(lambda _: True) as mails:
        pass

    with pytest.raises(ConnectionRefusedError):
        send(backend(mails, token("resend")))
    assert send(backend(mails, token("resend"), fail_silently=True)) == 0


def test_settings_do_not_import_the_mail_backend() -> None:
    found = imported_after("", "from vendo_django import email_settings")
    assert "vendo_django.services" in found
    assert not found & {"smtplib", "vendo_django.mail", "vendo_django.database_url"}
