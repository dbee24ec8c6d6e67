"""The guard with the local server: only tokens of the test's own servers pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

Run = Callable[..., pytest.RunResult]

GUARD = "vendo_guard = true"
KEY = "vendo_sk_" + "k" * 32


class RealVendo(BaseHTTPRequestHandler):
    """A credentials worker outside the run of pytest, with real tokens."""

    def do_GET(self) -> None:
        row = {"access_token": "canary-real-token", "expires_at": None, "token_type": "Bearer"}
        slug = self.path.rpartition("/")[2]
        rows = {"tokens": dict.fromkeys(["gmail", "openai"], row)}
        body = json.dumps(rows if slug.startswith("_bulk") else row).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The address and the key of a real Vendo, where a test can read them."""
    with ThreadingHTTPServer(("127.0.0.1", 0), RealVendo) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("KEPT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("KEPT_KEY", KEY)
        yield
        server.shutdown()
        thread.join()


# The path from a client with a real address to its token, once for each way to ask.
CALLS = [
    "client.token('gmail')",
    "client.tokens(['gmail', 'openai'])",
    "client.session('gmail', base_url='http://127.0.0.1:9').get('me')",
    "requests.get('https://gmail.googleapis.com/me', auth=client.auth('gmail'), timeout=1)",
    "client.for_user('a.b.c').token('gmail')",
    "asyncio.run(other.token('gmail'))",
    "asyncio.run(other.tokens(['gmail']))",
    "vendo.token('gmail')",
    "asyncio.run(vendo.aio.token('gmail'))",
    "vendo.reconciler.bootstrap(env_file='.env', mapping={'MAIL': 'gmail'}, client=client)",
]


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("how", [(), ("--showlocals", "--full-trace")], ids=["short", "full"])
def test_real_token_does_not_pass_beside_the_local_server(run: Run, how: tuple[str, ...]) -> None:
    result = run(
        f"""
        import asyncio, os, pytest, requests, vendo

        @pytest.fixture
        def real(vendo_server, monkeypatch):
            vendo_server.connect("gmail")
            vendo_server.connect("openai")
            vendo_server.token("gmail")
            url, key = os.environ["KEPT_URL"], os.environ["KEPT_KEY"]
            monkeypatch.setenv("VENDO_CREDENTIALS_URL", url)
            monkeypatch.setenv("VENDO_API_KEY", key)
            addresses = {{"api_key": key, "base_url": url, "credentials_url": url}}
            return vendo.Vendo(**addresses), vendo.AsyncVendo(**addresses)

        @pytest.mark.parametrize("call", [
            {", ".join(f"lambda client, other: {call}" for call in CALLS)}
        ])
        def test_it(real, call):
            call(*real)
        """,
        *how,
        ini=GUARD,
    )

    result.assert_outcomes(failed=len(CALLS))
    report = result.stdout.str() + result.stderr.str()
    assert len(re.findall(r"\nE +vendo_pytest\.GuardError: ", report)) == len(CALLS)
    assert "canary" not in report


@pytest.mark.usefixtures("real")
def test_real_token_passes_a_live_test_only(run: Run) -> None:
    run(
        """
        import os, pytest, vendo
        from vendo_pytest import GuardError

        def real():
            url, key = os.environ["KEPT_URL"], os.environ["KEPT_KEY"]
            return vendo.Vendo(key, url, credentials_url=url)

        @pytest.mark.vendo_live
        def test_one(vendo_server):
            assert real().token("gmail") == "canary-real-token"

        @pytest.mark.vendo_live
        def test_two(vendo_server):
            vendo_server.connect("gmail", token="canary-real-token")

        def test_three(vendo_server):
            with pytest.raises(GuardError):
                real().token("gmail")
        """,
        "-p",
        "no:randomly",
        ini=GUARD,
    ).assert_outcomes(passed=3)


def test_every_token_of_the_local_server_passes(run: Run) -> None:
    run(
        """
        import asyncio, vendo

        def test_rotated_and_expired(vendo_server, vendo_client):
            vendo_server.connect("gmail", lifetime=60)
            first = vendo_client.token("gmail")
            vendo_server.expire("gmail")
            vendo_client.invalidate("gmail")
            second = vendo_client.token("gmail")
            vendo_client.invalidate("gmail")
            assert len({first, second, vendo_server.rotate("gmail"), vendo.token("gmail")}) == 3

        def test_users(vendo_server, vendo_client):
            vendo_server.connect("gmail")
            users = [vendo_client.for_user(f"a.{name}.c").token("gmail") for name in "xyz"]
            assert len({*users, vendo_client.token("gmail")}) == 4

        def test_given(vendo_server, vendo_client):
            vendo_server.connect("gmail", token=" g-given")
            vendo_server.connect("openai", token="sk-given", profile="vendo_managed_pool")
            assert vendo_client.tokens(["gmail", "openai"]) == {
                "gmail": " g-given", "openai": "sk-given"
            }

        def test_given_before_a_reset(vendo_server, vendo_client):
            vendo_server.connect("gmail", token="g-given")
            assert vendo_client.token("gmail") == "g-given"
            vendo_server.reset()
            assert vendo_client.token("gmail") == "g-given", "cached"

        def test_response_of_the_test(vendo_server, vendo_client):
            vendo_server.fail("credentials", body={"access_token": "g-body", "expires_at": None})
            assert vendo_client.token("gmail") == "g-body"
            row = {"access_token": "sk-body", "expires_at": None}
            vendo_server.fail("any", body={"tokens": {"openai": row, "slack": None}})
            assert vendo_client.tokens(["openai", "slack"]) == {"openai": "sk-body", "slack": None}

        def test_connected_in_the_browser(vendo_server, vendo_client):
            vendo_server.connect("gmail", token="g-given")
            vendo_server.disconnect("gmail")
            vendo_server.connect("gmail")
            assert vendo_client.token("gmail").startswith("local_gmail_")

        def test_async(vendo_server, vendo_async_client):
            vendo_server.connect("gmail")
            assert asyncio.run(vendo_async_client.token("gmail")) == vendo_server.token("gmail")
        """,
        ini=GUARD,
    ).assert_outcomes(passed=7)


def test_further_servers_of_the_test_are_its_own_too(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo.testing import LocalVendo
        from vendo_pytest import GuardError

        @pytest.fixture(scope="module")
        def early():
            with LocalVendo({"gmail": {"token": "g-given"}, "slack": None}) as server:
                yield server

        def test_it(vendo_server, early):
            client = early.client()
            assert client.tokens(["gmail", "slack"])["gmail"] == "g-given"
            with LocalVendo(["openai"]) as other:
                late = other.client()
                token = late.token("openai")
            assert late.token("openai") == token, "the server has stopped"
            del other
            assert late.token("openai") == token

        def test_not_without_the_fixture(early):
            with pytest.raises(GuardError):
                early.client().token("gmail")
        """,
        ini=GUARD,
    ).assert_outcomes(passed=2)


def test_child_of_a_fork_gets_tokens_of_its_parents_server(run: Run) -> None:
    run(
        """
        import os, pytest

        def test_it(vendo_server, vendo_client):
            vendo_server.connect("gmail")
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    vendo_client.token("gmail")
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
        """,
        "-W",
        "ignore::DeprecationWarning",  # of a fork beside threads
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_run_inside_a_run_may_use_the_outer_server(run: Run) -> None:
    run(
        """
        import pytest, vendo

        pytest_plugins = "pytester"

        def test_outer(vendo_server, pytester):
            vendo_server.connect("gmail")
            pytester.makeini("[pytest]\\nvendo_guard = true")
            pytester.makepyfile("import vendo\\ndef test_inner(): vendo.token('gmail')")
            pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=1)
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_workers_of_xdist_know_their_own_servers(run: Run) -> None:
    run(
        """
        import pytest, vendo

        @pytest.mark.parametrize("n", range(4))
        def test_it(vendo_server, n):
            vendo_server.connect("gmail", token=f"g-{n}")
            vendo_server.connect("openai")
            assert vendo.tokens(["gmail", "openai"])["gmail"] == f"g-{n}"
        """,
        "-p",
        "xdist",
        "-n2",
        ini=GUARD,
    ).assert_outcomes(passed=4)
