"""Google's clients over gRPC: the page's `Credentials` on a real channel."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import requests
import trustme
from google.auth.transport.grpc import secure_authorized_channel
from google.auth.transport.requests import Request

import vendo
from sdks.checks import fetches
from sdks.recipes import recipe

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

METHOD = "/local.Service/Call"


def service_of(server: LocalVendo, pool: ThreadPoolExecutor) -> grpc.Server:
    """Make a service that rejects the credential of a call if the provider would."""

    def call(_request: bytes, context: Any) -> bytes:
        sent = dict(context.invocation_metadata())["authorization"]
        if sent != f"Bearer {server.token('gmail')}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid credentials.")
        return b"ok"

    handlers = {"Call": grpc.unary_unary_rpc_method_handler(call)}
    handler = grpc.method_handlers_generic_handler("local.Service", handlers)
    return grpc.server(pool, handlers=[handler])


@pytest.fixture
def channel(server: LocalVendo, client: vendo.Vendo) -> Iterator[grpc.Channel]:
    """A channel to a service with TLS, which credentials of calls need."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
    credentials = recipe("google-api-python-client", "VendoCredentials").VendoCredentials()
    credentials.source = client
    with ThreadPoolExecutor(2) as pool, requests.Session() as session:
        service = service_of(server, pool)
        port = service.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
        service.start()
        try:
            with secure_authorized_channel(  # type: ignore[no-untyped-call]  # of google-auth
                credentials,
                Request(session),
                f"localhost:{port}",
                ssl_credentials=grpc.ssl_channel_credentials(authority.cert_pem.bytes()),
            ) as channel:
                yield channel
        finally:
            service.stop(None).wait()


def test_each_call_has_the_current_token(
    server: LocalVendo, client: vendo.Vendo, channel: grpc.Channel
) -> None:
    call = channel.unary_unary(METHOD)
    assert call(b"", timeout=30) == b"ok"
    server.rotate("gmail")
    client.invalidate("gmail")  # as an event does
    assert call(b"", timeout=30) == b"ok"
    assert fetches(server) == 2


def test_rejected_call_is_not_repeated(
    server: LocalVendo, client: vendo.Vendo, channel: grpc.Channel
) -> None:
    call = channel.unary_unary(METHOD)
    assert call(b"", timeout=30) == b"ok"
    rejected = client.token("gmail")
    server.expire("gmail")
    with pytest.raises(grpc.RpcError, match="Invalid credentials"):
        call(b"", timeout=30)
    client.invalidate("gmail", token=rejected)
    assert call(b"", timeout=30) == b"ok"
