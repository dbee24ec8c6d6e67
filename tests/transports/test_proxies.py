"""Proxies of the environment: real tunnels, over each transport."""

from __future__ import annotations

import os
import ssl
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from support.proxy import TunnelProxy
from support.ways import Way, run
from vendo import RetryPolicy, UpstreamConnectionError, UpstreamTimeout, ValidationError
from vendo._transports import proxies, routes
from vendo._transports.proxies import Proxy, proxy_for
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONCE = RetryPolicy(1)


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    """A server with TLS and a trusted authority: https goes through proxies."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with LocalVendo(connections=["gmail"], ssl_context=context) as server:
        yield server


def balance(way: Way, server: LocalVendo, **more: Any) -> Any:
    settings = {**server._addresses(), "retry": ONCE, **more}
    return run(way, settings, lambda client: client.billing.balance())


def through(proxy: TunnelProxy, user: str = "") -> str:
    return proxy.url.replace("http://", f"http://{user}")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_https_goes_through_the_proxy_and_the_proxy_sees_no_key(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with TunnelProxy() as proxy:
        monkeypatch.setenv(name, through(proxy))
        assert balance(way, secure)

    assert proxy.connections == 1
    assert secure.count("api") == 1
    assert proxy.users == [None]
    assert len(proxy.seen) > 0
    everything = bytes(proxy.seen) + b"".join(proxy.requests)
    assert secure.api_key.encode() not in everything


def test_proxy_without_a_scheme_is_http(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", through(proxy).removeprefix("http://"))
        assert balance(way, secure)
    assert proxy.connections == 1


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "example.com,127.0.0.1", " 127.0.0.1 "])
def test_no_proxy_is_respected(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    with TunnelProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", through(proxy))
        monkeypatch.setenv("NO_PROXY", exempt)
        assert balance(way, secure)
    assert proxy.connections == 0


def test_plain_http_to_loopback_goes_through_no_proxy(
    server: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, through(proxy))
        assert balance(way, server)
    assert proxy.connections == 0


def test_proxy_credentials_are_sent_only_to_the_proxy(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy(user="me@corp:p@ss:w") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", through(proxy, "me%40corp:p%40ss%3Aw@"))
        assert balance(way, secure)

    assert proxy.users == ["me@corp:p@ss:w"]
    assert "proxy-authorization" not in secure.requests[0].headers


def test_proxy_error_is_a_connection_error_without_a_secret(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy(user="me:right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", through(proxy, "me:canary@"))
        with pytest.raises(UpstreamConnectionError, match=r"proxy .* \(HTTP 407\)") as caught:
            balance(way, secure)

    assert "HTTPS_PROXY" in (caught.value.suggested_fix or "")
    assert secure.requests == []
    error: BaseException | None = caught.value
    seen = "".join(traceback.format_exception(caught.value))
    while error is not None:
        seen += f"{error!r} {error.args!r} {vars(error)!r}"
        error = error.__cause__ or error.__context__
    assert "canary" not in seen
    assert secure.api_key not in seen


def test_missing_proxy_is_a_connection_error(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy() as proxy:
        gone = through(proxy)
    monkeypatch.setenv("HTTPS_PROXY", gone)
    with pytest.raises(UpstreamConnectionError, match="cannot be reached") as caught:
        balance(way, secure)

    assert caught.value.message.startswith(f"The proxy {gone} ")
    assert "NO_PROXY" in (caught.value.suggested_fix or "")


def test_silent_proxy_ends_with_the_time_out(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy() as proxy:
        proxy._replies = [proxy.silence]
        monkeypatch.setenv("HTTPS_PROXY", through(proxy))
        with pytest.raises(UpstreamTimeout):
            balance(way, secure, timeout=0.3)


def test_tunnels_are_kept_and_used_again(
    secure: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TunnelProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", through(proxy))
        with secure.client() as client:
            for _ in range(3):
                client.billing.balance()
            assert proxy.connections == 1
            # A kept connection is reused only with the proxy it was made through.
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            client.billing.balance()
            assert proxy.connections == 1
            assert secure.connections_opened == 2


@pytest.mark.parametrize(
    "address",
    ["socks5://127.0.0.1:1080", "https://127.0.0.1:3128", "http://", "http://[::1", "x:y"],
)
def test_unsupported_proxy_is_an_error_that_names_the_variable(
    secure: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ValidationError, match="HTTPS_PROXY") as caught:
        balance(way, secure)

    assert "NO_PROXY" in (caught.value.suggested_fix or "")
    assert secure.requests == []


def test_proxy_password_is_not_in_a_repr() -> None:
    assert "canary" not in repr(Proxy("proxy.example", 3128, (("Proxy-Authorization", "canary"),)))


def test_port_of_a_proxy_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")

    assert proxy_for("https", "vendo.run", 443) == Proxy("proxy.example", 80)


def test_no_proxy_supports_ports_and_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "vendo.run:8443,.internal.example")

    assert proxy_for("https", "vendo.run", 8443) is None
    assert proxy_for("https", "vendo.run", 443)
    assert proxy_for("https", "a.internal.example", 443) is None


def test_settings_of_the_system_are_read_without_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS and Windows."""
    url = "https://only-with-system-settings.example/path"
    monkeypatch.setattr(routes, "_HAS_PROXY_SETTINGS", True)
    monkeypatch.setattr(proxies, "getproxies", lambda: {"https": "http://system.example:3128"})
    monkeypatch.setattr(proxies, "proxy_bypass", lambda _host: False)

    assert routes.route_of(url)[3] == Proxy("system.example", 3128)


def test_plain_dict_in_place_of_the_environment_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", {"HTTPS_PROXY": "http://one.example"})
    assert proxy_for("https", "vendo.run", 443) == Proxy("one.example", 80)

    monkeypatch.setattr(os, "environ", {"HTTPS_PROXY": "http://two.example"})
    assert proxy_for("https", "vendo.run", 443) == Proxy("two.example", 80)
