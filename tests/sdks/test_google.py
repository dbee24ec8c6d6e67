"""Google's packages with the page's `Credentials`: over httplib2, requests, and in threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from googleapiclient.discovery import build, build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

import vendo
from sdks.checks import fetches, provider_texts
from sdks.errors_shown import error_texts
from sdks.recipes import recipe
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

PROFILE = "/gmail/v1/users/me/profile"
THREADS = 8


def credentials(source: vendo.Vendo) -> Any:
    found = recipe("google-api-python-client", "VendoCredentials").VendoCredentials()
    found.source = source
    return found


def session_of(credentials: Any) -> AuthorizedSession:
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # of google-auth


def gmail(server: LocalVendo, source: vendo.Vendo) -> Any:
    """Make an object of the bundled discovery document."""
    address = {"api_endpoint": server.provider_url("gmail")}
    return build("gmail", "v1", credentials=credentials(source), client_options=address)


class GoogleScenarios(Scenarios):
    slug = "gmail"
    other = ("GET", PROFILE)

    def error_body(self, reason: str) -> dict[str, Any]:
        return {"error": {"code": 401, "message": reason}}

    def shown_of(self, error: Exception) -> Iterable[object]:
        return error_texts(error)


class TestGmail(GoogleScenarios):
    unauthenticated = HttpError
    forbidden = HttpError
    streamed = "5"

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        service = stack.enter_context(gmail(self.server, client))
        users = service.users()

        def search(text: str) -> object:
            return users.messages().list(userId="me", q=text).execute()

        def listing() -> str:
            found: list[Any] = []
            request = users.messages().list(userId="me", maxResults=2)
            while request is not None:
                response = request.execute()
                found += response["messages"]
                request = users.messages().list_next(request, response)
            return str(len(found))

        return Calls(search, users.getProfile(userId="me").execute, listing, [service, users])


class TestAuthorizedSession(GoogleScenarios):
    unauthenticated = requests.HTTPError
    forbidden = requests.HTTPError
    streamed = "owner@example.com"

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        session = stack.enter_context(session_of(credentials(client)))
        url = self.server.provider_url("gmail")

        def get(path: str, **settings: Any) -> requests.Response:
            response = session.get(f"{url}{path}", timeout=30, **settings)
            response.raise_for_status()
            return response

        def search(text: str) -> object:
            return get("/gmail/v1/users/me/messages", params={"q": text}).json()

        def stream() -> str:
            with get(PROFILE, stream=True) as response:
                assert "owner@example.com" in b"".join(response.iter_content(7)).decode()
            return "owner@example.com"

        return Calls(search, lambda: get(PROFILE), stream, [session, session.credentials])


def test_body_is_sent_again(server: LocalVendo, client: vendo.Vendo) -> None:
    with gmail(server, client) as service:
        users = service.users()
        users.getProfile(userId="me").execute()
        server.expire("gmail")
        sent = users.messages().send(userId="me", body={"raw": "QnJva2Vu"}).execute()
        assert sent["labelIds"] == ["SENT"]
    assert sum("QnJva2Vu" in text for text in provider_texts(server, "gmail")) == 2


def call_in_threads(server: LocalVendo, made: Callable[[], Any], rounds: int) -> None:
    """Let threads call at once, each with what `made` returns, and with new tokens in between."""
    url = server.provider_url("gmail") + PROFILE
    barrier = Barrier(THREADS)

    def call(_: int) -> int:
        with session_of(made()) as session:
            barrier.wait(timeout=30)
            return session.get(url, timeout=30).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(rounds):
            assert list(pool.map(call, range(THREADS))) == [200] * THREADS
            server.expire("gmail")


def test_threads_have_credentials_of_their_own(server: LocalVendo, client: vendo.Vendo) -> None:
    call_in_threads(server, lambda: credentials(client), rounds=3)
    assert fetches(server) <= 10


def test_threads_share_the_credentials(server: LocalVendo, client: vendo.Vendo) -> None:
    shared = credentials(client)
    call_in_threads(server, lambda: shared, rounds=2)
    assert fetches(server) <= 10


def test_credentials_are_made_for_google_auth(server: LocalVendo, client: vendo.Vendo) -> None:
    found = credentials(client)
    assert (found.token, found.valid, found.expired) == (None, False, False)
    found.refresh(None)
    assert (found.token, found.valid, found.expiry) == (server.token("gmail"), True, None)
    headers: dict[str, str] = {}
    server.rotate("gmail")
    client.invalidate("gmail")
    found.before_request(None, "GET", "https://gmail.googleapis.com", headers)
    assert headers["authorization"] == f"Bearer {server.token('gmail')}"


def test_new_credentials_take_the_cached_token(server: LocalVendo, client: vendo.Vendo) -> None:
    for _ in range(3):
        with gmail(server, client) as service:
            service.users().getProfile(userId="me").execute()
    assert fetches(server) == 1


def test_parts_of_a_batch_have_the_token(server: LocalVendo, client: vendo.Vendo) -> None:
    document = json.loads(get_static_doc("gmail", "v1"))
    document["rootUrl"] = f"{server.provider_url('gmail')}/"
    part = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"historyId": "7"}'
    head = "Content-Type: application/http\r\nContent-ID: <response-local + 1>"
    server.respond(
        "gmail",
        "POST",
        "/batch",
        body=f"--b\r\n{head}\r\n\r\n{part}\r\n--b--",
        headers={"Content-Type": 'multipart/mixed; boundary="b"'},
    )
    received: list[Any] = []
    with build_from_document(document, credentials=credentials(client)) as service:
        batch = service.new_batch_http_request(callback=lambda *given: received.append(given))
        batch.add(service.users().getProfile(userId="me"))
        batch.execute()
    assert received == [("1", {"historyId": "7"}, None)]
    (text,) = provider_texts(server, "gmail")
    assert text.count(server.token("gmail")) == 2  # of the batch, and of its part
