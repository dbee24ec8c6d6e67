"""A test does not reach a real provider: the look-up of its name is an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

GUARD = "vendo_guard = true"

#: Ways to look up the name of a provider, by the code under test.
WAYS = """
    import asyncio, http.client, socket, urllib.request

    import aiohttp, httpx, httpx2, pytest, requests, vendo
    from vendo_pytest import GuardError

    def of_asyncio(host):
        async def main():
            await asyncio.get_running_loop().getaddrinfo(host, 443)
        asyncio.run(main())

    def of_streams(host):
        async def main():
            await asyncio.open_connection(host, 443)
        asyncio.run(main())

    def of_aiohttp(host):
        async def main():
            async with aiohttp.ClientSession() as session:
                await session.get(f"https://{host}/x")
        asyncio.run(main())

    def of_httpx_async(host):
        async def main():
            async with httpx.AsyncClient() as client:
                await client.get(f"https://{host}/x")
        asyncio.run(main())

    WAYS = [
        lambda host: socket.getaddrinfo(host, 443),
        lambda host: socket.getaddrinfo(host.encode(), 443),
        lambda host: socket.getaddrinfo(host.upper() + ".", 443),
        lambda host: socket.gethostbyname(host),
        lambda host: socket.create_connection((host, 443)),
        lambda host: http.client.HTTPSConnection(host).request("GET", "/"),
        lambda host: urllib.request.urlopen(f"https://{host}/x"),
        lambda host: requests.get(f"https://{host}/x", timeout=10),
        lambda host: httpx.get(f"https://{host}/x"),
        lambda host: httpx2.get(f"https://{host}/x"),
        of_asyncio, of_streams, of_aiohttp, of_httpx_async,
    ]
"""


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(("ini", "fixture"), [(GUARD, "request"), ("", "vendo_server")])
def test_every_look_up_of_a_provider_is_an_error(run: Run, ini: str, fixture: str) -> None:
    run(
        WAYS
        + f"""
    @pytest.mark.parametrize("way", WAYS)
    def test_it({fixture}, way):
        with pytest.raises(GuardError, match="(?i)api.openai.com.*real OpenAI"):
            way("api.openai.com")
        """,
        ini=ini,
    ).assert_outcomes(passed=14)


def test_platform_itself_is_not_reached_either(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        CALLS = [
            lambda client: client.connections.list(),
            lambda client: client.billing.balance(),
            lambda client: client.data.execute("GMAIL_SEND_EMAIL"),
            lambda client: next(client.events.subscribe()),
        ]

        @pytest.mark.parametrize("call", CALLS)
        def test_it(call):
            with pytest.raises(GuardError, match="a host of the real Vendo"):
                call(vendo.Vendo("vendo_sk_" + "x" * 32))
        """,
        ini=GUARD,
    ).assert_outcomes(passed=4)


def test_request_through_a_proxy_is_an_error(run: Run) -> None:
    run(
        """
        import socket, threading, urllib.request
        import pytest, requests
        from vendo_pytest import GuardError

        @pytest.mark.parametrize("get", [requests.get, urllib.request.urlopen])
        def test_it(vendo_server, monkeypatch, get):
            with socket.create_server(("127.0.0.1", 0)) as proxy:
                monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
                with pytest.raises(GuardError, match="real OpenAI"):
                    get("https://api.openai.com/v1/models", timeout=10)
        """
    ).assert_outcomes(passed=2)


def test_wildcards_and_proxies_of_the_catalog_count(run: Run) -> None:
    run(
        """
        import socket, pytest
        from vendo_pytest import GuardError

        @pytest.mark.parametrize("host", ["us1.api.mailchimp.com", "gmail-proxy.vendo.run"])
        def test_it(vendo_server, host):
            with pytest.raises(GuardError):
                socket.getaddrinfo(host, 443)
        """
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize("ci", [None, "true"])
def test_everything_else_is_looked_up(
    run: Run, ci: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ci:
        monkeypatch.setenv("CI", ci)
    run(
        """
        import socket, pytest, requests

        @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", None, b"127.0.0.1"])
        def test_it(vendo_server, host):
            assert socket.getaddrinfo(host, 80)

        def test_other_names(vendo_server):
            for host in ("not-openai.invalid", "openai.com.invalid", "vendo.invalid"):
                with pytest.raises(socket.gaierror):
                    socket.getaddrinfo(host, 80)
        """,
        ini=GUARD,
    ).assert_outcomes(passed=6)


def test_error_names_the_fixture_and_the_marker(run: Run) -> None:
    result = run(
        """
        import requests

        def test_guard(): requests.get("https://slack.com/api/auth.test", timeout=5)
        def test_server(vendo_server): requests.get("https://slack.com/api/auth.test", timeout=5)
        """,
        "-p",
        "no:randomly",
        ini=GUARD,
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            '*GuardError: *real Slack*the fixture vendo_server*provider_url("slack")*vendo_live*',
            '*GuardError: *slack.com*real Slack*vendo_server.provider_url("slack")*vendo_live*',
        ]
    )


def test_error_suggests_what_is_possible(run: Run) -> None:
    text = """
        import socket, pytest

        def look(): socket.getaddrinfo("slack.com", 443)

        @pytest.fixture(scope="module")
        def wide(): look()

        def test_it(wide): pass
    """
    result = run(text, ini=GUARD)
    result.stdout.fnmatch_lines(["*GuardError: *the fixture vendo_session_server*"])
    result = run(text + "\n        look()", ini=GUARD)
    result.stdout.fnmatch_lines(["*GuardError: *in a test, not before*--vendo-live*"])


def test_live_tests_and_other_tests_look_names_up(run: Run) -> None:
    text = """
        import socket, pytest

        def look():
            try:
                socket.getaddrinfo("api.openai.com", 443)
            except OSError:
                pass  # no network here

        def test_server(vendo_server):
            with pytest.raises(RuntimeError):
                look()

        def test_after(): look()

        @pytest.mark.vendo_live
        def test_live(vendo_server): look()
    """
    run(text, "-p", "no:randomly").assert_outcomes(passed=3)
    run(text, "-k", "not test_server", "--vendo-live", ini=GUARD).assert_outcomes(
        passed=2, deselected=1
    )


def test_look_up_function_is_not_replaced(run: Run) -> None:
    run(
        """
        import socket

        BEFORE = socket.getaddrinfo

        def test_it(vendo_server, monkeypatch):
            assert socket.getaddrinfo is BEFORE
            monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **how: ["of the test"])
            assert socket.getaddrinfo("api.openai.com", 443) == ["of the test"]
            monkeypatch.undo()
            try:
                socket.getaddrinfo("api.openai.com", 443)
            except RuntimeError:
                return
            raise AssertionError

        def test_after():
            assert socket.getaddrinfo is BEFORE
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)


def test_fake_transports_need_no_look_up(run: Run, suite: pytest.Pytester) -> None:
    suite.path.joinpath("models.yaml").write_text(
        """\
interactions:
- request: {body: null, headers: {}, method: GET, uri: "https://api.openai.com/v1/models"}
  response:
    body: {string: '{"data": []}'}
    headers: {Content-Type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""
    )
    run(
        """
        import httpx2, responses, vcr, vendo

        URL = "https://api.openai.com/v1/models"

        def test_responses(vendo_token):
            vendo_token("openai")
            with responses.RequestsMock() as mock:
                mock.get(URL, json={})
                assert vendo.session("openai").get(URL).ok

        def test_cassette(vendo_token):
            vendo_token("openai")
            with vcr.use_cassette("models.yaml", record_mode="none"):
                assert vendo.session("openai").get(URL).ok

        def test_transport(vendo_token):
            vendo_token("openai")
            transport = httpx2.MockTransport(lambda request: httpx2.Response(200))
            auth = vendo.Vendo().httpx_auth("openai")
            with httpx2.Client(auth=auth, transport=transport) as http:
                assert http.get(URL).is_success
        """,
        ini=GUARD,
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize("ini", [GUARD, "vendo_isolate = true", ""])
def test_absolute_url_of_a_session_reaches_the_fake_provider(run: Run, ini: str) -> None:
    run(
        """
        import vendo

        URL = "https://gmail.googleapis.com/gmail/v1/users/me/profile"

        def test_it(vendo_server, vendo_session):
            vendo_server.connect("gmail")
            assert vendo.session("gmail").get(URL).ok
            assert vendo_session("gmail").get(URL).ok
            assert vendo_server.client().session("gmail").get(URL).ok
            assert vendo_server.count("provider", "gmail") == 3
        """,
        ini=ini,
    ).assert_outcomes(passed=1)


def test_vendo_session_reports_a_typing_error(run: Run) -> None:
    run(
        """
        import pytest, vendo

        def test_it(vendo_server, vendo_session):
            with pytest.raises(vendo.ValidationError, match="Did you mean 'gmail'"):
                vendo_session("gmial")
            vendo_server.connect("gmial")  # it is the test's own
            assert vendo_session("gmial").get("x").ok
        """
    ).assert_outcomes(passed=1)
