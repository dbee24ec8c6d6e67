"""`httpx_auth`: httpx2 and httpx, blocking and asyncio clients, with the rules of the session."""

from __future__ import annotations

import asyncio
import base64
import copy
import importlib
import io
import pickle
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import vendo
import vendo.aio
from sessions.foreign import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from sessions.foreign import Foreign
    from vendo.testing import LocalVendo

BODY = bytes(range(256)) * 64
#: No request here uses TLS, and a new context per client takes 20 ms.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Caller:
    """One of the two libraries, through one of its two clients."""

    library: Any
    is_async: bool

    def send(self, auth: Any, method: str, url: str, **options: Any) -> Any:
        """Send one request with a new client."""
        return self.send_all(auth, [(method, url, options)])[0]

    def send_all(
        self, auth: Any, requests: list[tuple[str, str, dict[str, Any]]], **settings: Any
    ) -> list[Any]:
        """Send requests one after the other."""
        settings = {
            "auth": auth,
            "follow_redirects": True,
            "trust_env": False,
            "verify": TLS,
            **settings,
        }
        if not self.is_async:
            with self.library.Client(**settings) as http:
                return [http.request(method, url, **how) for method, url, how in requests]

        async def main() -> list[Any]:
            async with self.library.AsyncClient(**settings) as http:
                return [await http.request(method, url, **how) for method, url, how in requests]

        return asyncio.run(main())


@pytest.fixture(params=["httpx2", "httpx2 async", "httpx", "httpx async"])
def caller(request: pytest.FixtureRequest) -> Caller:
    name, _, kind = request.param.partition(" ")
    return Caller(importlib.import_module(name), bool(kind))


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "mailchimp", "telegram"])
def test_token_is_placed_as_the_provider_requires_and_renewed_on_a_401(
    client: vendo.Vendo, server: LocalVendo, caller: Caller, slug: str
) -> None:
    url = f"{server.provider_url(slug)}/echo"
    auth = client.httpx_auth(slug)
    assert caller.send(auth, "GET", url).status_code == 200
    server.expire(slug)
    server.clear_requests()

    response = caller.send(auth, "POST", url, content=BODY)

    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [401]
    assert base64.b64decode(response.json()["base64"]) == BODY
    assert str(response.url) == url
    assert (server.count("credentials"), server.count("provider")) == (1, 2)


def test_second_401_is_returned_to_the_caller(
    client: vendo.Vendo, server: LocalVendo, caller: Caller
) -> None:
    url = f"{server.provider_url('gmail')}/x"
    auth = client.httpx_auth("gmail")
    caller.send(auth, "GET", url)
    server.expire("gmail")
    server.fail("provider", status=401, times=None)
    server.clear_requests()

    assert caller.send(auth, "GET", url).status_code == 401
    assert (server.count("credentials"), server.count("provider")) == (1, 2)


def test_unchanged_token_is_not_tried_twice(
    client: vendo.Vendo, server: LocalVendo, caller: Caller
) -> None:
    server.fail("provider", status=401, times=None)

    response = caller.send(client.httpx_auth("gmail"), "GET", f"{server.provider_url('gmail')}/x")

    assert response.status_code == 401
    assert (server.count("credentials"), server.count("provider")) == (2, 1)


def test_in_oss_mode_an_unchanged_variable_returns_the_401(
    server: LocalVendo, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "stale")
    auth = vendo.Vendo().httpx_auth("gmail")

    assert caller.send(auth, "GET", f"{server.provider_url('gmail')}/x").status_code == 401
    assert (server.count("credentials"), server.count("provider")) == (0, 1)


def test_fifty_rejections_of_one_token_make_one_refresh(
    client: vendo.Vendo, server: LocalVendo, caller: Caller
) -> None:
    url = f"{server.provider_url('gmail')}/x"
    auth = client.httpx_auth("gmail")
    caller.send(auth, "GET", url)
    server.expire("gmail")
    server.clear_requests()
    with server.hold("provider") as gate, ThreadPoolExecutor(51) as pool:
        if caller.is_async:

            async def main() -> list[Any]:
                settings = {"auth": auth, "trust_env": False, "timeout": 30}
                async with caller.library.AsyncClient(**settings) as http:
                    return await asyncio.gather(*[http.get(url) for _ in range(50)])

            pending = [pool.submit(asyncio.run, main())]
        else:
            pending = [pool.submit(lambda: [caller.send(auth, "GET", url)]) for _ in range(50)]
        gate.wait_for(50)
        gate.release()
        responses = [response for future in pending for response in future.result()]

    assert [response.status_code for response in responses] == [200] * 50
    assert server.count("credentials") == 1


def test_tasks_waiting_for_a_token_do_not_block_the_loop(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    library = importlib.import_module("httpx2")
    auth = client.httpx_auth("gmail")
    url = f"{server.provider_url('gmail')}/x"
    before = set(threading.enumerate())

    async def main() -> None:
        async with library.AsyncClient(auth=auth, trust_env=False) as http:
            with server.hold("credentials") as gate:
                tasks = [asyncio.create_task(http.get(url)) for _ in range(20)]
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(None, gate.wait_for, 1)
                more = {t for t in threading.enumerate() if t.name == "vendo"} - before
                assert len(more) <= 1  # one of the others may be idle
                gate.release()
                assert {response.status_code for response in await asyncio.gather(*tasks)} == {200}

    asyncio.run(main())
    assert server.count("credentials") == 1


def test_failed_look_up_is_raised(client: vendo.Vendo, server: LocalVendo, caller: Caller) -> None:
    auth = client.httpx_auth("gmail")
    url = f"{server.provider_url('gmail')}/x"
    caller.send(auth, "GET", url)
    server.set_status("gmail", "needs_reauth")

    with pytest.raises(vendo.NeedsReauth):
        caller.send(auth, "GET", url)
    with pytest.raises(vendo.NotConnected):
        caller.send(client.httpx_auth("notion"), "GET", "https://api.notion.com/")


# Bodies


class Again:
    """An iterable that can be read again, blocking or not."""

    def __iter__(self) -> Iterator[bytes]:
        yield BODY

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield BODY


class AgainAsync:
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield BODY


@pytest.mark.parametrize(
    "sending",
    [
        lambda _: {"content": "text"},
        lambda _: {"data": {"a": "b"}},
        lambda _: {"json": {"a": [1]}},
        lambda _: {"files": {"upload": ("name", io.BytesIO(BODY)), "text": ("n", "t")}},
        lambda _: {"files": {"upload": io.BytesIO(BODY)}, "data": {"a": "b"}},
        lambda is_async: {"content": AgainAsync() if is_async else Again()},
        lambda _: {},
    ],
    ids=["text", "form", "json", "files", "files and fields", "iterable", "none"],
)
def test_a_body_is_sent_again_byte_for_byte(
    client: vendo.Vendo,
    server: LocalVendo,
    caller: Caller,
    sending: Callable[[bool], dict[str, Any]],
) -> None:
    url = f"{server.provider_url('gmail')}/echo"
    auth = client.httpx_auth("gmail")
    caller.send(auth, "GET", f"{server.provider_url('gmail')}/x")
    server.expire("gmail")

    response = caller.send(auth, "POST", url, **sending(caller.is_async))

    assert response.status_code == 200
    first, second = (r.body for r in server.requests if r.path.endswith("/echo"))
    assert first == second


def test_file_is_sent_again_from_its_position(
    client: vendo.Vendo, server: LocalVendo, tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(BODY)
    url = f"{server.provider_url('gmail')}/echo"
    auth = client.httpx_auth("gmail")
    for name in ("httpx2", "httpx"):
        caller = Caller(importlib.import_module(name), is_async=False)
        caller.send(auth, "GET", url)
        server.expire("gmail")
        with path.open("rb") as file:
            file.seek(7)
            sized = {"Content-Length": str(len(BODY) - 7)}  # httpx would send the whole file's
            response = caller.send(auth, "PUT", url, content=file, headers=sized)
        assert base64.b64decode(response.json()["base64"]) == BODY[7:]
        assert response.history


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


class Odd(io.BytesIO):
    def tell(self) -> int:
        raise OSError


class Stuck(io.BytesIO):
    stuck = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.stuck = True
        return super().read(size)

    def seek(self, position: int, whence: int = 0, /) -> int:
        if self.stuck:
            raise OSError
        return super().seek(position, whence)


class Bare:
    """A file with no method but `read`."""

    def __init__(self) -> None:
        self.rest = BODY

    def read(self, _size: int = -1) -> bytes:
        rest, self.rest = self.rest, b""
        return rest

    def __iter__(self) -> Iterator[bytes]:
        yield self.read()


def in_parts() -> Iterator[bytes]:
    yield BODY


async def in_async_parts() -> AsyncIterator[bytes]:
    yield BODY


@pytest.mark.parametrize(
    "body",
    [lambda: Pipe(BODY), lambda: Odd(BODY), lambda: Stuck(BODY), Bare, in_parts],
    ids=["pipe", "no position", "stuck", "read only", "generator"],
)
def test_consumed_body_is_not_sent_twice(
    client: vendo.Vendo, server: LocalVendo, body: Callable[[], Any]
) -> None:
    url = f"{server.provider_url('gmail')}/echo"
    auth = client.httpx_auth("gmail")
    for name in ("httpx2", "httpx"):
        caller = Caller(importlib.import_module(name), is_async=False)
        caller.send(auth, "GET", url)
        server.expire("gmail")
        server.clear_requests()
        sized = {"Content-Length": str(len(BODY))}
        assert caller.send(auth, "POST", url, content=body(), headers=sized).status_code == 401
        assert (server.count("credentials"), server.count("provider")) == (1, 1)


def test_async_generator_is_not_sent_twice(client: vendo.Vendo, server: LocalVendo) -> None:
    url = f"{server.provider_url('gmail')}/echo"
    auth = client.httpx_auth("gmail")
    for name in ("httpx2", "httpx"):
        caller = Caller(importlib.import_module(name), is_async=True)
        caller.send(auth, "GET", url)
        server.expire("gmail")
        server.clear_requests()
        assert caller.send(auth, "POST", url, content=in_async_parts()).status_code == 401
        assert (server.count("credentials"), server.count("provider")) == (1, 1)


@pytest.mark.parametrize("file", [lambda: Pipe(BODY), Bare], ids=["pipe", "read only"])
def test_form_with_a_consumed_file_is_not_sent_twice(
    client: vendo.Vendo, server: LocalVendo, file: Callable[[], Any]
) -> None:
    url = f"{server.provider_url('gmail')}/echo"
    auth = client.httpx_auth("gmail")
    for name in ("httpx2", "httpx"):
        caller = Caller(importlib.import_module(name), is_async=False)
        caller.send(auth, "GET", url)
        server.expire("gmail")
        server.clear_requests()
        assert caller.send(auth, "POST", url, files={"upload": file()}).status_code == 401
        assert server.count("provider") == 1


# Redirects


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "mailchimp", "telegram"])
@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_host_gets_neither_token_nor_header(
    client: vendo.Vendo,
    server: LocalVendo,
    foreign: Foreign,
    caller: Caller,
    slug: str,
    status: int,
    host: str,
) -> None:
    to = f"http://{host}:{foreign.port}/taken"
    foreign.replies["/taken"] = Reply(401)
    query = {"to": to, "status": str(status)}
    auth = client.httpx_auth(slug)

    response = caller.send(auth, "POST", f"{server.provider_url(slug)}/redirect", params=query)

    assert (response.status_code, str(response.url)) == (401, to)
    [seen] = foreign.seen
    assert server.token(slug) not in f"{seen.path}{seen.headers.as_string()}"
    for name in ("Authorization", "x-api-key"):
        assert seen.headers[name] is None
    assert server.count("credentials") == 1  # a foreign 401 rejects nothing


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "telegram"])
def test_redirect_within_the_host_keeps_the_token(
    client: vendo.Vendo, server: LocalVendo, caller: Caller, slug: str
) -> None:
    base = server.provider_url(slug)
    query = {"to": f"{base}/echo", "status": "307"}

    response = caller.send(
        client.httpx_auth(slug), "POST", f"{base}/redirect", params=query, content=BODY
    )

    assert response.json()["length"] == len(BODY)
    assert server.count("credentials") == 1
    assert server.count("provider") == (2 if slug == "gmail" else 3)


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "mailchimp", "telegram"])
def test_no_pickle_of_a_response_or_its_requests_has_the_token(
    client: vendo.Vendo, server: LocalVendo, caller: Caller, slug: str
) -> None:
    base = server.provider_url(slug)
    server.fail("provider", redirect=f"{base}/echo")

    response = caller.send(client.httpx_auth(slug), "GET", f"{base}/x")

    assert response.status_code == 200
    assert response.history
    token = server.token(slug)
    secrets = [token, base64.b64encode(f"anystring:{token}".encode()).decode()]
    for step in [*response.history, response]:
        for thing in (step, step.request, step.request.headers):
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                text = pickle.dumps(thing, protocol)
                assert not [secret for secret in secrets if secret.encode() in text]
            assert not [secret for secret in secrets if secret in repr(thing.__dict__)]
    if slug in {"gmail", "mailchimp"}:  # as it was sent, when read by name
        headers = response.request.headers
        assert secrets[slug == "mailchimp"] in headers["Authorization"]
        again = pickle.loads(pickle.dumps(response.request))
        assert again.headers["Authorization"] == "***"
        assert copy.deepcopy(headers.raw) == headers.raw == copy.copy(headers).raw


def test_expired_token_after_a_redirect_is_renewed(
    client: vendo.Vendo, server: LocalVendo, caller: Caller
) -> None:
    base = server.provider_url("anthropic")
    auth = client.httpx_auth("anthropic")
    caller.send(auth, "GET", f"{base}/x")
    server.fail("provider", redirect=f"{base}/echo")
    server.expire("anthropic")

    response = caller.send(auth, "GET", f"{base}/x")

    assert response.status_code == 200
    assert server.count("credentials") == 2


def test_another_host_of_the_provider_gets_the_token(
    client: vendo.Vendo, server: LocalVendo, caller: Caller
) -> None:
    base = server.provider_url("gmail")
    to = f"{base.replace('127.0.0.1', 'localhost')}/echo"

    response = caller.send(
        client.httpx_auth("gmail", hosts=["localhost"]),
        "GET",
        f"{base}/redirect",
        params={"to": to},
    )

    assert (response.status_code, str(response.url)) == (200, to)


def test_caller_can_turn_redirects_off(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, caller: Caller
) -> None:
    response = caller.send(
        client.httpx_auth("anthropic"),
        "GET",
        f"{server.provider_url('anthropic')}/redirect",
        params={"to": f"{foreign.url}/x"},
        follow_redirects=False,
    )

    assert response.status_code == 302
    assert "x-api-key" not in response.next_request.headers


# The caller's own credentials, and hosts


@pytest.mark.parametrize(
    ("slug", "name"),
    [("anthropic", "x-api-key"), ("anthropic", "Authorization"), ("gmail", "Authorization")],
)
def test_callers_own_credential_wins_and_is_not_renewed(
    client: vendo.Vendo, server: LocalVendo, caller: Caller, slug: str, name: str
) -> None:
    response = caller.send(
        client.httpx_auth(slug),
        "GET",
        f"{server.provider_url(slug)}/x",
        headers={name: "mine"},
    )

    assert response.status_code == 401
    assert server.count("credentials") == 0
    [seen] = [request for request in server.requests if request.surface == "provider"]
    assert seen.headers[name] == "mine"


@pytest.mark.parametrize(("slug", "name"), [("anthropic", "x-api-key"), ("gmail", "Authorization")])
def test_callers_own_credential_does_not_go_to_another_host(
    client: vendo.Vendo,
    server: LocalVendo,
    foreign: Foreign,
    caller: Caller,
    slug: str,
    name: str,
) -> None:
    token = server.token(slug)
    own = {name: token if name == "x-api-key" else f"Bearer {token}"}
    base = server.provider_url(slug)
    within, across = ({"to": f"{place}/x"} for place in (base, foreign.url))

    responses = caller.send_all(
        client.httpx_auth(slug),
        [
            ("GET", f"{base}/redirect", {"params": within, "headers": own}),
            ("GET", f"{base}/redirect", {"params": across, "headers": own}),
        ],
    )

    assert [response.status_code for response in responses] == [200, 200]
    assert token not in foreign.seen[0].headers.as_string()
    assert server.count("credentials") == 0


def test_foreign_host_is_an_error_before_anything_is_sent(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, caller: Caller
) -> None:
    with pytest.raises(vendo.ValidationError, match="hosts="):
        caller.send(client.httpx_auth("gmail"), "GET", f"{foreign.url}/x")

    assert not foreign.seen
    assert server.count("credentials") == 0
    allowed = client.httpx_auth("gmail", hosts=["127.0.0.1"])
    assert caller.send(allowed, "GET", f"{foreign.url}/x").status_code == 200


def test_callers_own_transport_gets_the_header(client: vendo.Vendo, server: LocalVendo) -> None:
    for name in ("httpx2", "httpx"):
        library = importlib.import_module(name)
        seen: list[str] = []

        def handler(request: Any, library: Any = library, seen: list[str] = seen) -> Any:
            seen.append(request.headers["X-API-Key"])
            assert "x-api-key" in request.headers
            assert request.headers["Anthropic-Version"]
            assert "X-Other" not in request.headers
            return library.Response(200)

        transport = library.MockTransport(handler)
        with library.Client(transport=transport, auth=client.httpx_auth("anthropic")) as http:
            response = http.get("https://api.anthropic.com/v1/models")
        assert seen == [server.token("anthropic")]
        assert pickle.loads(pickle.dumps(response.request)).headers.get("x-api-key") is None


# Which client and which library


def test_async_vendo_works_with_async_clients_only(server: LocalVendo) -> None:
    url = f"{server.provider_url('gmail')}/x"
    auth = vendo.AsyncVendo().httpx_auth("gmail")
    for name in ("httpx2", "httpx"):
        library = importlib.import_module(name)
        server.expire("gmail")
        assert Caller(library, is_async=True).send(auth, "GET", url).status_code == 200
        with pytest.raises(vendo.ValidationError, match=r"AsyncVendo.*of a vendo\.Vendo, or an"):
            Caller(library, is_async=False).send(auth, "GET", url)


def test_httpx_auth_of_aio_works_in_oss_mode(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", server.token("gmail"))
    caller = Caller(importlib.import_module("httpx2"), is_async=True)

    response = caller.send(vendo.aio.httpx_auth("gmail"), "GET", server.provider_url("gmail"))

    assert response.status_code == 200


@pytest.mark.parametrize("missing", ["httpx", "httpx2"])
def test_either_library_may_be_missing(server: LocalVendo, missing: str) -> None:
    present = "httpx2" if missing == "httpx" else "httpx"
    program = f"""
import sys
sys.modules[{missing!r}] = None
import vendo
auth = vendo.Vendo().httpx_auth("gmail")
assert {present!r} not in sys.modules
import {present} as library
with library.Client(auth=auth, trust_env=False) as http:
    print(http.get({server.provider_url("gmail")!r}).status_code)
"""
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert said.stdout == "200\n", said.stderr


def test_copies_and_pickles_have_no_token(
    client: vendo.Vendo, server: LocalVendo, caller: Caller
) -> None:
    url = f"{server.provider_url('gmail')}/x"
    auth = client.httpx_auth("gmail", hosts=["localhost"])
    caller.send(auth, "GET", url)

    text = pickle.dumps(auth)

    assert server.token("gmail").encode() not in text
    for again in (pickle.loads(text), copy.copy(auth), copy.deepcopy(auth)):
        response = caller.send(again, "GET", url.replace("127.0.0.1", "localhost"))
        assert response.status_code == 200
        assert repr(again) == "<VendoHttpxAuth 'gmail'>"


@pytest.mark.parametrize("name", ["httpx2", "httpx"])
@pytest.mark.parametrize("slug", ["gmail", "anthropic", "mailchimp", "telegram"])
def test_request_that_is_sent_twice_has_the_current_token_each_time(
    name: str, slug: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)
    auth = vendo.Vendo().httpx_auth(slug)
    with importlib.import_module(name).Client(auth=auth) as client:
        request = client.build_request("GET", f"{foreign.url}/x", headers={"X-Own": "1"})
        for token in ("first", "second"):
            monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", f"canary-{token}")
            response = client.send(request)
        again = client.send(response.request)

    forms = [
        f"{seen.path} {seen.headers['Authorization']} {seen.headers['x-api-key']}"
        for seen in foreign.seen
    ]
    assert len(set(forms)) == 2
    assert forms[1] == forms[2]
    assert [seen.headers["X-Own"] for seen in foreign.seen] == ["1"] * 3
    assert again.status_code == 200


@pytest.mark.parametrize("name", ["httpx2", "httpx"])
@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_request_with_a_credential_of_the_callers_own_keeps_it_when_it_is_sent_twice(
    name: str, header: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", foreign.url)
    monkeypatch.setenv("VENDO_TOKEN_ANTHROPIC", "canary")
    with importlib.import_module(name).Client(auth=vendo.Vendo().httpx_auth("anthropic")) as client:
        request = client.build_request("GET", f"{foreign.url}/x", headers={header: "own"})
        client.send(request)
        client.send(client.send(request).request)

    assert [seen.headers[header] for seen in foreign.seen] == ["own"] * 3
    assert "canary" not in str([seen.headers for seen in foreign.seen])
