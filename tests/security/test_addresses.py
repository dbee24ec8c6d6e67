"""The claims on where the API key and tokens go, and on what a fake backend can do."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

import vendo
from cli.command import Shell
from cli.traps import set_traps
from support.connect_flow import query_of
from support.event_streams import data_of
from support.raw_server import RawServer, http
from vendo import RetryPolicy
from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from pathlib import Path

KEY = "vendo_sk_" + "k" * 32


@pytest.fixture
def shell(server: LocalVendo, tmp_path: Path) -> Shell:
    """Return a shell in a deployment."""
    shell = Shell(tmp_path)
    shell.env.update(server.environment())
    return shell


def test_the_library_sends_the_key_to_vendo_alone(server: LocalVendo) -> None:
    client = server.client(retry=RetryPolicy(1))
    with RawServer(http(b"{}")) as elsewhere:
        server.fail("credentials", redirect=f"{elsewhere.url}/credentials/gmail")
        with pytest.raises(vendo.VendoError):
            client.token("gmail")
        assert elsewhere.requests == []

    with pytest.raises(vendo.ValidationError, match="http"):
        vendo.Vendo(KEY, "http://vendo.example.com").token("gmail")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with LocalVendo(["gmail"], ssl_context=context) as unknown:
        with pytest.raises(vendo.UpstreamConnectionError):
            unknown.client(retry=RetryPolicy(1)).token("gmail")
        assert unknown.requests == []


def test_the_connect_link_gives_the_key_to_the_browser(server: LocalVendo) -> None:
    link = server.client().connect_url("gmail", return_to="https://app.example.com/")

    assert query_of(link)["app_key"] == server.api_key


def test_with_without_key_it_does_not(shell: Shell, server: LocalVendo) -> None:
    done = shell.vendo("run", "--slug", "gmail", "--without-key", "--", "printenv")

    assert server.token("gmail") in done.stdout
    assert server.api_key not in done.stdout
    assert server.webhook_secret not in done.stdout


def test_python_m_vendo_imports_nothing_from_the_folder_it_is_started_in(
    shell: Shell, server: LocalVendo
) -> None:
    notes = set_traps(shell.folder)

    assert shell.vendo("token", "openai").stdout == f"{server.token('openai')}\n"
    assert shell.vendo("doctor").stdout
    assert not notes.exists()


def test_python_m_vendo_run_hands_the_key_to_the_command(shell: Shell, server: LocalVendo) -> None:
    done = shell.vendo("run", "--slug", "gmail", "--", "printenv", "VENDO_API_KEY")

    assert done.stdout.strip() == server.api_key


def test_the_addresses_in_the_environment_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http(b'{"access_token": "t"}')) as anybody:
        monkeypatch.setenv("VENDO_API_KEY", KEY)
        monkeypatch.setenv("VENDO_CREDENTIALS_URL", anybody.url)
        assert vendo.token("gmail") == "t"
    assert KEY.encode() in anybody.requests[0]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "https://me@evil/"])
def test_an_address_in_a_response_of_vendo_is_one_of_the_web(
    server: LocalVendo, address: str
) -> None:
    names = ("base_url", "docs_url", "logo_url", "setup_url")
    server.connect("slack", **dict.fromkeys(names, address), metadata={"site": address})
    client = server.client(retry=RetryPolicy(1))

    row = client.connections.get("slack")
    assert row
    assert [getattr(row, name) for name in names] == [None] * 4
    assert row.metadata["site"] == address
    server.fail("any", body={"credits_remaining_micros": 1, "top_up_url": address})
    assert client.billing.balance().top_up_url is None
    server.fail("any", status=403, body={"error": {"connect_url": address}})
    with pytest.raises(vendo.VendoError) as caught:
        client.billing.balance()
    assert caught.value.connect_url is None


@pytest.mark.parametrize("fault", [{"oversize": True}, {"gzip_bomb": True}, {"nested": True}])
def test_a_response_of_vendo_has_limits(server: LocalVendo, fault: dict[str, Any]) -> None:
    server.fail("any", times=None, **fault)
    client = server.client(retry=RetryPolicy(1))
    for call in (lambda: client.token("gmail"), client.connections.list):
        with pytest.raises(vendo.UpstreamError):
            call()

    event = b"data: " + b"x" * (8 << 20) + b"\n\ndata: next\n\n"
    assert data_of(event) == ["next"]


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_call_to_vendo_ends_within_its_time_out(text: bytes) -> None:
    def drip(sock: socket.socket) -> None:
        server.drip(text, 0.01)(sock)

    with RawServer(drip) as server:
        client = vendo.Vendo(**server.settings(), timeout=0.5)
        begun = time.monotonic()
        with pytest.raises(vendo.UpstreamError):
            client.token("gmail")
        assert time.monotonic() - begun < 10
    assert vendo.Vendo(KEY).timeout == 30


@pytest.mark.parametrize("slug", ["", "Gm ail", "../keys", "a/b", "-a", "gmail?x=1", "gm\nail"])
def test_a_malformed_slug_is_sent_nowhere(server: LocalVendo, slug: str) -> None:
    client = server.client()
    for call in (client.token, client.connections.get, client.connect_url):
        with pytest.raises(vendo.ValidationError):
            call(slug)
    assert server.requests == []


@pytest.mark.parametrize("text", ["a\nX-Role: owner", "a\r\nb", "a\0b"])
def test_a_line_break_in_a_credential_is_an_error(
    monkeypatch: pytest.MonkeyPatch, server: LocalVendo, text: str
) -> None:
    with pytest.raises(vendo.AuthError):
        vendo.Vendo(text)
    with pytest.raises(vendo.ValidationError):
        server.client().for_user(text)
    if "\0" not in text:  # the environment cannot hold it
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", text)
        with pytest.raises(vendo.ValidationError):
            vendo.token("gmail")
    assert server.requests == []


def test_localvendo_listens_on_this_machine_alone(server: LocalVendo) -> None:
    assert server._listener is not None
    assert server._listener.server_address[0] == "127.0.0.1"


def test_the_command_line_prints_a_token_on_request(shell: Shell, server: LocalVendo) -> None:
    assert shell.vendo("token", "gmail").stdout.strip() == server.token("gmail")
    seen = shell.vendo("run", "--slug", "gmail", "--", "cat", "/proc/self/cmdline").stdout
    assert server.token("gmail") not in seen


def test_doctor_prints_no_secret(shell: Shell, server: LocalVendo) -> None:
    secrets = [server.api_key, server.webhook_secret, server.token("gmail")]
    good = shell.vendo("doctor")
    shell.env["VENDO_API_KEY"] = f"{server.api_key} x"
    malformed = shell.vendo("doctor")

    for done in (good, malformed):
        assert done.stdout
        assert not [secret for secret in secrets if secret in done.stdout + done.stderr]


def test_with_a_watch_a_revoked_connection_leaves_the_cache(server: LocalVendo) -> None:
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        token = client.token("gmail")
        server.disconnect("gmail")
        deadline = time.monotonic() + 20
        while token in [entry.token for entry in token_cache.shared._entries.copy().values()]:
            assert time.monotonic() < deadline
