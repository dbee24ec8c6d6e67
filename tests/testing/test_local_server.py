from __future__ import annotations

import asyncio
import gc
import http.client
import importlib
import os
import pkgutil
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

import vendo
from testing.local_http import (
    EventReader,
    KeptConnection,
    bearer,
    execute,
    in_thread,
    raw,
    send,
    with_key,
)
from vendo.testing import LocalVendo, catalog_slugs, install_interceptor

TOKEN = "/credentials/gmail"


def threads_of_servers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "LocalVendo" in thread.name]


def open_files() -> int:
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


def test_api_key_has_the_format_of_a_key() -> None:
    keys = {LocalVendo().api_key for _ in range(2)}
    assert len(keys) == 2
    assert all(re.fullmatch(r"vendo_sk_[A-Za-z0-9_-]{32}", key) for key in keys)
    assert LocalVendo(api_key="vendo_sk_mine").api_key == "vendo_sk_mine"


def test_repr_has_no_key(server: LocalVendo) -> None:
    assert repr(server) == f"<LocalVendo {server.url}>"
    assert repr(LocalVendo()) == "<LocalVendo stopped>"


def test_url_before_start_raises() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = LocalVendo().url


def test_addresses(server: LocalVendo) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert server.environment("gmail", "in-house") == {
        "VENDO_API_KEY": server.api_key,
        "VENDO_BASE_URL": server.url,
        "VENDO_CREDENTIALS_URL": f"{server.url}/credentials",
        "VENDO_DATA_PROXY_URL": f"{server.url}/data-proxy",
        "VENDO_WEBHOOK_SECRET": server.webhook_secret,
        "GMAIL_BASE_URL": f"{server.url}/providers/gmail",
        "IN_HOUSE_BASE_URL": f"{server.url}/providers/in-house",
    }


def test_client_uses_the_server(server: LocalVendo) -> None:
    with server.client(timeout=60.0) as client:
        assert isinstance(client, vendo.Vendo)
        assert client.token("gmail") == server.token("gmail")


def test_async_client_uses_the_server(server: LocalVendo) -> None:
    async def fetch_token() -> str:
        async with server.async_client() as client:
            return await client.token("slack")

    assert asyncio.run(fetch_token()) == server.token("slack")


def test_environment_has_the_base_url_of_every_provider_by_default() -> None:
    with LocalVendo(["in-house"]) as server:
        variables = server.environment()

        assert variables == server.environment(*catalog_slugs(), "in-house")
        assert variables["NOTION_BASE_URL"] == server.provider_url("notion")


def test_program_with_the_environment_uses_the_server(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    with vendo.Vendo() as client:
        assert client.token("openai") == server.token("openai")


def test_stop_closes_threads_and_sockets() -> None:
    warm_up = LocalVendo(["gmail"])
    with warm_up:
        with_key(warm_up, TOKEN)  # imports modules and opens files that stay open
    before = open_files()
    with LocalVendo(["gmail"]) as server:
        idle = socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0))
        with_key(server, TOKEN)
        with EventReader(server) as reader, KeptConnection(server.url) as kept:
            reader.block()
            kept.send(server.url)
            server.wait_for_streams(1)
            assert len(threads_of_servers()) >= 4
            server.stop()
            assert threads_of_servers() == []
        idle.close()
        url = server.url
        with pytest.raises(ConnectionRefusedError):
            send(url)
        server.stop()
    assert open_files() <= before


def test_stop_ends_requests_in_progress(server: LocalVendo) -> None:
    server.fail("api", latency=60)
    gate = server.hold("credentials")
    with (
        in_thread(lambda: with_key(server, TOKEN)) as held,
        in_thread(lambda: with_key(server, "/api/billing/balance")) as slow,
    ):
        gate.wait_for(1)
        server.wait_for_requests(2)
        server.stop()
    for outcome in (held[0], slow[0]):
        assert isinstance(outcome, http.client.HTTPException | OSError)
    assert threads_of_servers() == []


def test_server_restarts_on_the_same_port(server: LocalVendo) -> None:
    url, token = server.url, server.rotate("gmail")
    server.stop()
    assert server.start() is server
    assert server.start().url == url
    assert with_key(server, TOKEN).json["access_token"] == token
    with EventReader(server) as reader:
        assert reader.block() == [": connected"]


def test_port_can_be_chosen_and_is_not_shared(server: LocalVendo) -> None:
    port = urlsplit(server.url).port or 0
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        LocalVendo(port=port).start()
    server.stop()
    with LocalVendo(port=port) as other:
        assert urlsplit(other.url).port == port


def test_reset_restores_everything(server: LocalVendo) -> None:
    token, key = server.token("gmail"), server.api_key
    with KeptConnection(server.url) as kept:
        kept.send(server.url)
        server.rotate("gmail")
        server.disconnect("openai")
        server.connect("stripe")
        server.connect("in-house")
        server.set_status("slack", "revoked")
        server.set_balance(1)
        server.set_caps(daily=1)
        server.revoke_key()
        server.set_clock_offset(10_000)
        server.fail("any", times=None)
        server.action("GMAIL_MINE", lambda _args: 1)
        server.hold("data")
        server.reset()
        assert (server.requests, server.connections_opened) == ([], 0)
        rows = kept.send(f"{server.url}/api/deployments/me/connections", headers=bearer(key)).json
    connected = [row["slug"] for row in rows["connections"] if row["status"] == "connected"]
    assert connected == ["gmail", "openai", "telegram", "slack"]
    assert "in-house" not in [row["slug"] for row in rows["connections"]]
    assert with_key(server, TOKEN).json["access_token"] == token
    assert with_key(server, "/api/billing/balance").json["credits_remaining_micros"] == 5_000_000
    assert with_key(server, "/api/billing/spend-caps").json["daily_micros"] is None
    assert execute(server, {"action_id": "GMAIL_MINE"}).status == 404
    with EventReader(server, last_event_id="evt_0") as reader:
        server.emit("billing.cap_tripped", window="daily")
        assert reader.events(1)[0][1]["window"] == "daily"


def test_connection_serves_many_requests(server: LocalVendo) -> None:
    with KeptConnection(server.url) as kept:
        for path in (TOKEN, "/", "/nothing", "/credentials/stripe", "/providers/gmail/echo"):
            kept.send(server.url + path, headers=bearer(server.api_key), body=b"x" * 100)
        assert kept.send(server.url, "HEAD").body == b""
        assert kept.send(server.url).status == 200
    assert server.connections_opened == 1


def test_fifty_concurrent_clients(server: LocalVendo) -> None:
    statuses: list[int] = []
    start = threading.Barrier(50)

    def run() -> None:
        start.wait(10)
        statuses.append(with_key(server, TOKEN).status)

    threads = [threading.Thread(target=run) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert statuses == [200] * 50
    assert len({recorded.headers["authorization"] for recorded in server.requests}) == 1


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[LocalVendo]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LocalVendo(["gmail"], ssl_context=context) as server:
        yield server


def test_tls(secure: LocalVendo, authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    assert secure.credentials_url.startswith("https://127.0.0.1:")
    with KeptConnection(secure.url, trusting) as kept:
        response = kept.send(secure.url + TOKEN, headers=bearer(secure.api_key))
        assert response.json["access_token"] == secure.token("gmail")
        secure.fail("credentials", truncate=3)
        with pytest.raises((http.client.IncompleteRead, OSError)):
            kept.send(secure.url + TOKEN, headers=bearer(secure.api_key))
    with KeptConnection(secure.url, trusting) as kept:
        secure.fail("credentials", reset=True)
        with pytest.raises((http.client.RemoteDisconnected, OSError)):
            kept.send(secure.url + TOKEN, headers=bearer(secure.api_key))


def test_tls_streams_end_with_the_server(secure: LocalVendo, authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with KeptConnection(secure.url, trusting) as kept:
        headers = bearer(secure.api_key)
        kept.connection.request("GET", "/api/deployments/me/events", headers=headers)
        with kept.connection.getresponse() as response:
            assert response.readline() == b": connected\n"
            secure.emit("billing.cap_tripped", window="daily")
            assert response.readline() == b"\n"
            assert response.readline().startswith(b"id: evt_")
            secure.stop()
            assert response.read().endswith(b"\n\n")
    assert threads_of_servers() == []


def test_failed_or_missing_tls_handshake_is_ignored(secure: LocalVendo) -> None:
    with (
        KeptConnection(secure.url, ssl.create_default_context()) as kept,
        pytest.raises(ssl.SSLError),
    ):
        kept.send(secure.url)
    with closing(socket.create_connection(("127.0.0.1", urlsplit(secure.url).port or 0))):
        secure.stop()  # a missing handshake does not block
    assert threads_of_servers() == []


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8000", "a.localhost"]
)
def test_loopback_host_names_are_accepted(server: LocalVendo, host: str) -> None:
    assert send(server.url, headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "127.0.0.1.example.com", "", "[::1", "10.0.0.1"]
)
def test_other_host_names_are_rejected(server: LocalVendo, host: str) -> None:
    response = send(server.url + TOKEN, headers={"Host": host, **bearer(server.api_key)})
    assert response.status == 421
    assert server.requests == []


def test_server_listens_only_on_loopback(server: LocalVendo) -> None:
    port = urlsplit(server.url).port or 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)


def test_internal_error_is_a_500_without_details(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise LookupError("sk-secret")

    monkeypatch.setattr("vendo.testing._providers.fake_provider.respond", broken)
    response = send(f"{server.provider_url('gmail')}/echo")
    assert response.status == 500
    assert "LookupError" in response.text
    assert "sk-secret" not in response.text
    raw(server, b"\x16\x03\x01 not http\r\n\r\n")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


if hasattr(os, "fork"):  # not on Windows

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_forked_child_does_not_keep_the_port(server: LocalVendo) -> None:
        ready, at_work = os.pipe()
        leave, stay = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(stay)
            os.write(at_work, b"x")
            os.read(leave, 1)
            os._exit(0)
        os.read(ready, 1)
        try:
            server.stop()
            with pytest.raises(ConnectionRefusedError):
                send(server.url)
            server.start()
            assert with_key(server, TOKEN).status == 200
        finally:
            for pipe in (ready, at_work, leave, stay):
                os.close(pipe)
            os.waitpid(child, 0)


def test_package_imports_nothing_else() -> None:
    code = (
        "import sys, vendo; before = set(sys.modules); import vendo.testing;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(vendo.__file__).parent.parent,
    )
    assert done.stdout.strip() == "['vendo.testing']"


def test_every_private_module_is_in_a_documented_room() -> None:
    import vendo.testing

    for room in pkgutil.iter_modules(vendo.testing.__path__):
        assert room.ispkg, room.name
        docstring = importlib.import_module(f"vendo.testing.{room.name}").__doc__ or ""
        assert len(docstring.strip().splitlines()) >= 3, room.name


def test_public_names() -> None:
    import vendo.testing

    assert {"LocalVendo", "SeenRequest", "install_interceptor"} <= set(dir(vendo.testing))
    assert install_interceptor(None) is None
    with pytest.raises(AttributeError, match="Nothing"):
        _ = vendo.testing.Nothing
