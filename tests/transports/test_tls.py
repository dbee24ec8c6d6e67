"""TLS: trusted authorities, and one context per process."""

from __future__ import annotations

import gc
import socket
import ssl
import warnings
from contextlib import ExitStack
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from support.raw_server import RawServer, http
from support.ways import Way, run
from vendo import RetryPolicy, UpstreamConnectionError, UpstreamTimeout, Vendo
from vendo._transports.blocking import BlockingTransport
from vendo._transports.tls import shared_context
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONCE = RetryPolicy(1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[LocalVendo]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LocalVendo(connections=["gmail"], ssl_context=context) as server:
        yield server


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def settings_of(server: LocalVendo, **more: Any) -> dict[str, Any]:
    return {**server._addresses(), "retry": ONCE, **more}


@pytest.mark.usefixtures("trusted")
def test_an_authority_that_ssl_cert_file_names_is_trusted(secure: LocalVendo, way: Way) -> None:
    token = run(way, settings_of(secure), lambda client: client.token("gmail"))

    assert token == secure.token("gmail")
    assert secure.url.startswith("https://")


def test_unknown_authority_is_an_error_that_names_the_variable(
    secure: LocalVendo, way: Way
) -> None:
    with pytest.raises(UpstreamConnectionError, match="is not trusted") as caught:
        run(way, settings_of(secure), lambda client: client.token("gmail"))

    assert "SSL_CERT_FILE" in (caught.value.suggested_fix or "")
    assert isinstance(caught.value, ConnectionError)
    assert secure.requests == []


def test_missing_file_of_the_variable_is_named_in_the_fix(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing/authority.pem")
    with pytest.raises(UpstreamConnectionError, match="is not trusted") as caught:
        run(way, settings_of(secure), lambda client: client.token("gmail"))

    assert "/missing/authority.pem does not" in (caught.value.suggested_fix or "")


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_not_trusted(authority: trustme.CA, way: Way) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    with LocalVendo(ssl_context=context) as server:
        with pytest.raises(UpstreamConnectionError, match="not trusted"):
            run(way, settings_of(server), lambda client: client.billing.balance())
        assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_tls_connection_is_kept(secure: LocalVendo) -> None:
    with secure.client() as client:
        for _ in range(5):
            client.billing.balance()

    assert secure.connections_opened == 1


@pytest.mark.usefixtures("trusted")
def test_tls_connection_closed_by_the_server_is_replaced(secure: LocalVendo, way: Way) -> None:
    secure.fail("api", close=True)

    def block(client: Any) -> Any:
        return [client.billing.balance() for _ in range(2)]

    async def wait(client: Any) -> Any:
        return [await client.billing.balance() for _ in range(2)]

    assert len(run(way, settings_of(secure), block if way == "blocking" else wait)) == 2


@pytest.mark.usefixtures("trusted")
def test_decrypted_unread_bytes_are_not_read_as_the_next_response(
    authority: trustme.CA,
) -> None:
    """It came in the record of the previous response: the socket itself has nothing to read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    response = http(b'{"credits_remaining_micros": 5}')

    def serve(listener: socket.socket) -> None:
        with listener, ExitStack() as open_until_the_end:
            for more in (b"x" * 12_000, b""):
                plain, _ = listener.accept()
                sock = open_until_the_end.enter_context(
                    context.wrap_socket(plain, server_side=True)
                )
                sock.recv(65536)
                sock.sendall(response + more)

    listener = socket.create_server(("127.0.0.1", 0))
    serving = Thread(target=serve, args=[listener], daemon=True)
    serving.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    with Vendo("vendo_sk_x", url, retry=ONCE, timeout=10.0) as client:
        balances = [client.billing.balance() for _ in range(2)]
    serving.join(10)

    assert [balance.credits_remaining_micros for balance in balances] == [5, 5]


@pytest.mark.usefixtures("trusted")
def test_connection_with_a_partial_tls_record_is_kept(
    authority: trustme.CA,
) -> None:
    """TLS has messages of its own that carry no response data."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    idle = Event()

    def until_done(plain: socket.socket, step: Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
            else:
                return

    def serve(listener: socket.socket) -> None:
        with listener, listener.accept()[0] as plain:
            until_done(plain, tls.do_handshake)
            until_done(plain, lambda: tls.read(65536))
            tls.write(http(b'{"credits_remaining_micros": 1}'))
            plain.sendall(outgoing.read())
            tls.write(http(b'{"credits_remaining_micros": 2}'))
            plain.sendall(outgoing.read(3))
            rest = outgoing.read()
            idle.set()
            until_done(plain, lambda: tls.read(65536))
            plain.sendall(rest)

    listener = socket.create_server(("127.0.0.1", 0))
    serving = Thread(target=serve, args=[listener], daemon=True)
    serving.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    with Vendo("vendo_sk_x", url, retry=ONCE, timeout=10.0) as client:
        first = client.billing.balance()
        assert idle.wait(10)
        second = client.billing.balance()
    serving.join(10)

    assert (first.credits_remaining_micros, second.credits_remaining_micros) == (1, 2)


@pytest.mark.usefixtures("trusted")
def test_events_are_received_over_tls(secure: LocalVendo) -> None:
    def emit() -> None:
        secure.wait_for_streams(1)
        secure.emit("x.y")

    with secure.client() as client, client.events.subscribe() as events:
        emitting = Thread(target=emit)
        emitting.start()
        assert next(events).type == "x.y"
        emitting.join()
    secure.wait_for_streams(0)


def test_transport_can_have_its_own_authority(secure: LocalVendo, authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    transport = BlockingTransport(ssl_context=context)

    with Vendo(**settings_of(secure, transport=transport)) as client:
        assert client.token("gmail") == secure.token("gmail")
        with client.events.subscribe() as events:
            secure.fail("events", 204)
            assert list(events) == []


def test_one_tls_context_per_process_and_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA
) -> None:
    usual = shared_context()
    assert shared_context() is usual

    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    other = shared_context()
    assert other is not usual
    assert shared_context() is other
    assert len(other.get_ca_certs()) == 1

    monkeypatch.delenv("SSL_CERT_FILE")
    assert shared_context() is usual
    assert usual.verify_mode is ssl.CERT_REQUIRED
    assert usual.check_hostname


def test_server_without_tls_is_a_connection_error(way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                sock.recv(65536)

        greeting = Thread(target=greet)
        greeting.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        settings = {"api_key": "vendo_sk_x", "base_url": url, "retry": ONCE}
        with pytest.raises(ConnectionError, match="cannot be reached"):
            run(way, settings, lambda client: client.billing.balance())
        greeting.join()


def test_a_handshake_that_never_comes_ends_with_the_time_out(way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        settings = {"api_key": "vendo_sk_x", "base_url": url, "timeout": 0.3}
        with pytest.raises(UpstreamTimeout):
            run(way, settings, lambda client: client.billing.balance())


class _SilentServer(RawServer):
    """Reads requests over TLS and never responds, nor to the end of a connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(b"")
        self._context = context

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def _converse(self, sock: socket.socket, _number: int) -> None:
        with self._context.wrap_socket(sock, server_side=True) as secure:
            self._read(secure)
            self.ended.wait()


@pytest.mark.usefixtures("trusted")
def test_connection_that_is_given_up_does_not_wait_for_the_server(
    authority: trustme.CA, way: Way
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what earlier tests left
    with _SilentServer(context) as server, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        settings = {"timeout": 1.0, "retry": ONCE, **server.settings()}
        with pytest.raises(UpstreamTimeout):
            run(way, settings, lambda client: client.token("gmail"))
        gc.collect()
    assert [str(each.message) for each in caught] == []
