"""The asyncio session: an `aiohttp.ClientSession` with the rules of the requests session."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

import vendo
import vendo.aio
from sessions.foreign import Reply
from support.internet import internet
from vendo import AsyncVendo
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sessions.foreign import Foreign

    Work = Callable[[AsyncVendo, aiohttp.ClientSession], Awaitable[None]]

BODY = bytes(range(256)) * 64


def run(slug: str, work: Work, **settings: Any) -> None:
    """Do some work with a session of a new client."""

    async def main() -> None:
        async with AsyncVendo() as client, await client.session(slug, **settings) as session:
            await work(client, session)

    asyncio.run(main())


async def status(session: aiohttp.ClientSession, url: str, **how: Any) -> int:
    async with session.request(how.pop("method", "GET"), url, **how) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize("slug", catalog.slugs())
def test_token_is_placed_as_the_provider_requires(
    slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalVendo([slug]) as server:
        for name, value in server.environment(slug).items():
            monkeypatch.setenv(name, value)

        async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
            assert await status(session, "echo") == 200
            server.expire(slug)
            assert await status(session, "echo") == 200

        run(slug, work)
        assert (server.count("credentials"), server.count("provider")) == (2, 3)


def test_second_401_is_returned_to_the_caller(server: LocalVendo) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        server.fail("provider", status=401, times=None)
        server.clear_requests()
        assert await status(session, "x") == 401

    run("gmail", work)
    assert (server.count("credentials"), server.count("provider")) == (1, 2)


def test_unchanged_token_is_not_tried_twice(server: LocalVendo) -> None:
    server.fail("provider", status=401, times=None)

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        async with session.get("x") as response:
            assert response.status == 401
            assert (await response.json())["error"]["code"] == 401  # not read before

    run("gmail", work)
    assert (server.count("credentials"), server.count("provider")) == (2, 1)


def test_in_oss_mode_an_unchanged_variable_returns_the_401(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "stale")

    async def main() -> None:
        async with await vendo.aio.session("gmail") as session:
            assert await status(session, "x") == 401
            monkeypatch.setenv("GMAIL_ACCESS_TOKEN", server.token("gmail"))
            assert await status(session, "x") == 200
        await vendo.aio.aclose()

    asyncio.run(main())
    assert (server.count("credentials"), server.count("provider")) == (0, 2)


def test_fifty_rejections_of_one_token_make_one_refresh(server: LocalVendo) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        server.clear_requests()
        with server.hold("provider") as gate:
            pending = [asyncio.create_task(status(session, "x")) for _ in range(50)]
            await asyncio.get_running_loop().run_in_executor(None, gate.wait_for, 50)
            gate.release()
            assert await asyncio.gather(*pending) == [200] * 50

    run("gmail", work)
    assert (server.count("credentials"), server.count("provider")) == (1, 100)


def test_newer_token_in_the_cache_is_used_without_a_refresh(server: LocalVendo) -> None:
    async def work(client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        with server.hold("provider") as gate:
            pending = asyncio.create_task(status(session, "x"))
            await asyncio.get_running_loop().run_in_executor(None, gate.wait_for, 1)
            client.invalidate("gmail")
            await client.token("gmail")
            server.clear_requests()
            gate.release()
            assert await pending == 200

    run("gmail", work)
    assert server.count("credentials") == 0


def test_failed_renewal_is_raised_and_the_response_closed(
    server: LocalVendo,
) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.set_status("gmail", "needs_reauth")
        with pytest.raises(vendo.NeedsReauth):
            await session.get("x")

    run("gmail", work)


@pytest.mark.parametrize("had_a_token", [False, True])
@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 503}, {"latency": 30.0}])
def test_token_that_cannot_be_fetched_is_a_vendo_error(
    server: LocalVendo, fault: dict[str, Any], *, had_a_token: bool
) -> None:
    async def main() -> None:
        patience = vendo.RetryPolicy(1)
        async with (
            AsyncVendo(timeout=1.0, retry=patience) as client,
            await client.session("gmail") as session,
        ):
            if had_a_token:
                vendo.token("gmail")
                patient = aiohttp.ClientTimeout(total=60)
                assert await status(session, "x", timeout=patient) == 200
                server.expire("gmail")
            server.fail("credentials", times=None, **fault)
            if had_a_token:  # it was accepted: it is kept, and the rejection is the caller's
                assert await status(session, "x") == 401
                return
            with pytest.raises(vendo.UpstreamError):
                await session.get("x")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("rejection", "connections"),
    [
        (Reply(401, {}, b"x" * 1000), 1),
        (Reply(401, {}, b"x" * (8 << 20)), 2),
        (Reply(401, {"Content-Length": "100", "Connection": "close"}, b"cut"), 2),
    ],
    ids=["short", "long", "cut off"],
)
def test_rejection_with_a_body_of_any_length_is_renewed(
    monkeypatch: pytest.MonkeyPatch, foreign: Foreign, rejection: Reply, connections: int
) -> None:
    def reply(seen: Any) -> Reply:
        if seen.headers["Authorization"] == "Bearer new":
            return Reply(200, {}, b"done")
        monkeypatch.setenv("VENDO_TOKEN_OPENAI", "new")
        return rejection

    foreign.replies["/x"] = reply
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "old")
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        assert await status(session, "x") == 200

    run("openai", work, base_url=foreign.url)
    assert foreign.connections == connections


# Bodies


def at(position: int) -> io.BytesIO:
    stream = io.BytesIO(BODY)
    stream.seek(position)
    return stream


def form(file: Any) -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field("upload", file, filename="name")
    data.add_field("a", "b")
    return data


@pytest.mark.parametrize(
    ("sending", "expected"),
    [
        (lambda: {"data": BODY}, BODY),
        (lambda: {"data": "text"}, b"text"),
        (lambda: {"data": at(0)}, BODY),
        (lambda: {"data": at(100)}, BODY[100:]),
        (lambda: {"data": {"a": "b"}}, b"a=b"),
        (lambda: {"json": {"a": [1]}}, b'{"a": [1]}'),
        (dict, b""),
    ],
    ids=["bytes", "text", "stream", "stream from inside", "form", "json", "none"],
)
def test_a_body_is_sent_again_byte_for_byte(
    server: LocalVendo, sending: Callable[[], dict[str, Any]], expected: bytes
) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        async with session.post("echo", **sending()) as response:
            assert base64.b64decode((await response.json())["base64"]) == expected

    run("gmail", work)
    assert [r.body for r in server.requests if r.path.endswith("/echo")] == [expected] * 2


def test_file_is_sent_again_from_its_position(server: LocalVendo, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(BODY)

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        with path.open("rb") as file:  # as callers do
            file.seek(7)
            async with session.put("echo", data=file) as response:
                assert base64.b64decode((await response.json())["base64"]) == BODY[7:]

    run("gmail", work)


def test_files_of_a_form_are_sent_again(server: LocalVendo) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        assert await status(session, "echo", method="POST", data=form(at(0))) == 200

    run("gmail", work)
    first, second = (r.body for r in server.requests if r.path.endswith("/echo"))
    assert first == second
    assert BODY in second


async def in_parts() -> AsyncIterator[bytes]:
    yield BODY


def pipe() -> io.BufferedReader:
    out, into = os.pipe()
    os.write(into, BODY)
    os.close(into)
    return open(out, "rb")  # noqa: PTH123  # aiohttp closes it


@pytest.mark.parametrize(
    "body",
    [in_parts, pipe, lambda: form(in_parts())],
    ids=["generator", "pipe", "form with a generator"],
)
def test_consumed_body_is_not_sent_twice(server: LocalVendo, body: Callable[[], Any]) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        await status(session, "x")
        server.expire("gmail")
        server.clear_requests()
        data = body()
        assert await status(session, "echo", method="POST", data=data) == 401
        if isinstance(data, io.BufferedReader):
            data.close()
        assert (server.count("credentials"), server.count("provider")) == (1, 1)
        assert await status(session, "x") == 200
        assert server.count("credentials") == 1

    run("gmail", work)


# Redirects and hosts


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "mailchimp", "telegram"])
@pytest.mark.parametrize("code", [302, 307])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_host_gets_neither_token_nor_header(
    server: LocalVendo, foreign: Foreign, slug: str, code: int, host: str
) -> None:
    to = f"http://{host}:{foreign.port}/taken"
    foreign.replies["/taken"] = Reply(401)

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        query = {"to": to, "status": str(code)}
        async with session.get("redirect", params=query) as response:
            assert (response.status, str(response.url)) == (401, to)

    run(slug, work)
    [seen] = foreign.seen
    assert server.token(slug) not in f"{seen.path}{seen.headers.as_string()}"
    for name in ("Authorization", "x-api-key"):
        assert seen.headers[name] is None
    assert server.count("credentials") == 1  # a foreign 401 rejects nothing


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "telegram"])
def test_redirect_within_the_host_keeps_the_token(server: LocalVendo, slug: str) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        to = f"{server.provider_url(slug)}/echo"
        assert await status(session, "redirect", params={"to": to}) == 200

    run(slug, work)
    assert server.count("provider") == 2


def test_another_host_of_the_provider_gets_the_token(server: LocalVendo) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        to = f"{server.provider_url('gmail')}/echo".replace("127.0.0.1", "localhost")
        assert await status(session, "redirect", params={"to": to}) == 200

    run("gmail", work, hosts=["localhost"])


@pytest.mark.parametrize(("slug", "name"), [("anthropic", "x-api-key"), ("gmail", "Authorization")])
def test_callers_own_credential_does_not_go_to_another_host(
    server: LocalVendo, foreign: Foreign, slug: str, name: str
) -> None:
    token = server.token(slug)
    own = {name: token if name == "x-api-key" else f"Bearer {token}"}

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        for place in (server.provider_url(slug), foreign.url):
            query = {"to": f"{place}/x"}
            assert await status(session, "redirect", params=query, headers=own) == 200

    run(slug, work)
    assert token not in foreign.seen[0].headers.as_string()
    assert server.count("credentials") == 0


@pytest.mark.parametrize("name", ["x-api-key", "Authorization"])
def test_callers_own_credential_wins_and_is_not_renewed(server: LocalVendo, name: str) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        assert await status(session, "x", headers={name: "mine"}) == 401

    run("anthropic", work)
    assert server.count("credentials") == 0
    assert server.count("provider") == 1


def test_callers_token_in_the_path_wins(server: LocalVendo) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        url = f"{server.provider_url('telegram')}/bot{server.token('telegram')}/getMe"
        assert await status(session, url) == 200

    run("telegram", work)
    assert server.count("credentials") == 0


def test_foreign_host_is_an_error_before_anything_is_sent(
    server: LocalVendo, foreign: Foreign
) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        with pytest.raises(vendo.ValidationError, match="hosts="):
            await session.get(f"{foreign.url}/x")

    run("gmail", work)
    assert not foreign.seen
    assert server.count("credentials") == 0


def test_a_slug_outside_the_catalog_is_bound_to_its_first_host(
    server: LocalVendo, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_MYTOOL", "mine")

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        assert await status(session, f"{foreign.url}/x") == 200
        with pytest.raises(vendo.ValidationError):
            await session.get(f"http://localhost:{foreign.port}/x")

    run("mytool", work)
    assert foreign.seen[0].headers["Authorization"] == "Bearer mine"


def test_invalid_location_is_an_aiohttp_error(server: LocalVendo, foreign: Foreign) -> None:
    foreign.replies["/x"] = Reply(302, {"Location": "http://["})

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"{foreign.url}/x")

    run("gmail", work, hosts=["127.0.0.1"])


# Surroundings


def test_netrc_entry_is_ignored(
    server: LocalVendo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        assert await status(session, "x") == 200

    run("gmail", work)


def test_proxies_and_authorities_of_the_environment_are_used(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("gmail", "telegram"):
        monkeypatch.delenv(f"{slug.upper()}_BASE_URL")
    with internet(server) as net:
        for name, value in net.environment.items():
            monkeypatch.setenv(name, value)

        async def main() -> None:
            async with AsyncVendo() as client:
                for slug, url in (("gmail", "gmail/v1/users/me/profile"), ("telegram", "getMe")):
                    async with await client.session(slug) as session:
                        assert await status(session, url) == 200
                        server.expire(slug)
                        assert await status(session, url) == 200

        asyncio.run(main())


def test_callers_own_proxy_is_used(server: LocalVendo, foreign: Foreign) -> None:
    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        assert await status(session, "getMe", proxy=foreign.url) == 200

    run("telegram", work)
    token = server.token("telegram")
    assert [s.path for s in foreign.seen] == [f"{server.provider_url('telegram')}/bot{token}/getMe"]


def test_default_time_out_is_the_clients(server: LocalVendo) -> None:
    async def main() -> None:
        vendo.token("gmail")
        async with AsyncVendo(timeout=0.3) as client, await client.session("gmail") as session:
            with server.hold("provider"), pytest.raises(TimeoutError):
                await session.get("x")
            server.fail("provider", latency=0.6)
            own = aiohttp.ClientTimeout(total=30)
            assert await status(session, "x", timeout=own) == 200

    asyncio.run(main())


def test_callers_own_middleware_wraps_ours(server: LocalVendo) -> None:
    seen: list[int] = []

    async def note(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> Any:
        response = await send(request)
        seen.append(response.status)
        return response

    async def work(_client: AsyncVendo, session: aiohttp.ClientSession) -> None:
        assert await status(session, "x", middlewares=[note]) == 200
        server.expire("gmail")
        assert await status(session, "x", middlewares=[note]) == 200

    run("gmail", work)
    assert seen == [200, 200]


# Connections


def test_sessions_of_one_client_share_its_connections(server: LocalVendo) -> None:
    async def main() -> None:
        async with AsyncVendo(transport="threads") as client:
            await client.token("gmail")
            opened = server.connections_opened
            for scoped in (client, client.for_user("a.b.c"), client.for_user("d.e.f")):
                async with await scoped.session("gmail") as session:
                    assert await status(session, "x") == 200
            await client.for_user("a.b.c").aclose()
            async with await client.session("gmail") as session:
                assert await status(session, "x") == 200
            assert server.connections_opened == opened + 1

    asyncio.run(main())


def test_closed_client_can_be_used_again(server: LocalVendo) -> None:
    async def main() -> None:
        client = AsyncVendo()
        for _ in range(2):
            session = await client.session("gmail")
            assert await status(session, "x") == 200
            await client.aclose()
            assert session.closed
            await client.aclose()

    asyncio.run(main())


def test_one_client_serves_consecutive_and_concurrent_loops(server: LocalVendo) -> None:
    client = AsyncVendo()

    async def main() -> int:
        async with await client.session("gmail") as session:
            return await status(session, "x")

    assert [asyncio.run(main()) for _ in range(3)] == [200] * 3
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: asyncio.run(main()), range(6))) == [200] * 6


PROGRAM = """
import asyncio, gc
from vendo import AsyncVendo

async def main():
    client = AsyncVendo()  # never closed
    async with await client.session("gmail") as session:
        async with session.get("x") as response:
            print(response.status)

for _ in range(2):
    asyncio.run(main(), debug=False)  # debug mode logs slow calls
gc.collect()
"""


def test_everything_is_closed_at_exit(server: LocalVendo) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("200\n200\n", "")


def test_collected_client_closes_its_connections(server: LocalVendo) -> None:
    from vendo._sessions import aiohttp_session

    async def main() -> weakref.ref[AsyncVendo]:
        async with AsyncVendo() as client, await client.session("gmail") as session:
            assert await status(session, "x") == 200
            assert client in aiohttp_session._connectors
            return weakref.ref(client)

    dropped = asyncio.run(main())
    gc.collect()
    assert dropped() is None


WITHOUT_AIOHTTP = """
import sys
sys.modules["aiohttp"] = None
import asyncio, vendo
asyncio.run(vendo.AsyncVendo().session("gmail"))
"""


@pytest.mark.usefixtures("server")
def test_missing_extra_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_AIOHTTP], capture_output=True, text=True, timeout=60
    )
    assert "vendo-sdk[async]" in done.stderr
