"""`server`: change a backend from another process that has its variables."""

from __future__ import annotations

import http.server
import json
import shlex
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from cli.command import SECONDS, read_until, stop
from support.servers import reserved_port
from vendo import Vendo, WebhooksAPI
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from cli.command import Shell

ACTIONS = (
    *("connect", "disconnect", "rotate", "expire", "status", "balance", "caps", "emit"),
    *("webhook", "fail", "reset"),
)


def done(shell: Shell, *arguments: str) -> str:
    """Run an action that succeeds, and return what it prints."""
    ended = shell.vendo("server", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    text: str = ended.stdout
    return text


def refused(shell: Shell, status: int, *arguments: str) -> str:
    """Run an action that fails, and return its one line."""
    ended = shell.vendo("server", *arguments)
    assert (ended.returncode, ended.stdout) == (status, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: ")
    return str(line)


class TestConnections:
    def test_connect_and_disconnect(self, deployed: Shell, server: LocalVendo) -> None:
        assert done(deployed, "connect", "Notion") == "notion: connected\n"
        assert server.client().connections.get("notion")
        printed = json.loads(done(deployed, "disconnect", "notion", "--json"))
        assert printed == {"slug": "notion", "status": "available"}
        assert "notion" not in server.client().connections.connected_slugs()

    def test_connect_again_keeps_what_the_test_chose(
        self, deployed: Shell, server: LocalVendo
    ) -> None:
        server.connect("gmail", display_name="Our mail", status="needs_reauth")
        done(deployed, "connect", "gmail")
        row = server.client().connections.get("gmail")
        assert row
        assert (row.display_name, row.status) == ("Our mail", "connected")

    def test_rotate_replaces_the_token_and_expire_does_too(
        self, deployed: Shell, server: LocalVendo
    ) -> None:
        first = server.token("gmail")
        assert done(deployed, "rotate", "gmail") == "gmail: the token is replaced\n"
        second = server.token("gmail")
        assert done(deployed, "expire", "gmail") == "gmail: the token is expired\n"
        assert len({first, second, server.token("gmail")}) == 3

    def test_status(self, deployed: Shell, server: LocalVendo) -> None:
        assert done(deployed, "status", "gmail", "needs_reauth") == "gmail: needs_reauth\n"
        row = server.client().connections.get("gmail")
        assert row
        assert row.status == "needs_reauth"

    @pytest.mark.parametrize("action", ["disconnect", "rotate", "expire"])
    def test_what_is_not_connected_cannot_be_changed(self, deployed: Shell, action: str) -> None:
        assert "notion is not connected" in refused(deployed, 1, action, "notion")
        assert "notion is not connected" in refused(deployed, 1, "status", "notion", "error")

    @pytest.mark.parametrize("action", ["rotate", "expire"])
    def test_a_connection_without_a_token_has_none_to_replace(
        self, deployed: Shell, server: LocalVendo, action: str
    ) -> None:
        server.set_status("gmail", "revoked")
        assert "No token for gmail" in refused(deployed, 1, action, "gmail")

    @pytest.mark.parametrize("action", ["connect", "disconnect", "rotate", "expire"])
    def test_unknown_slug(self, deployed: Shell, server: LocalVendo, action: str) -> None:
        before = server.client().connections.list()
        assert "Did you mean 'gmail'?" in refused(deployed, 2, action, "gmial")
        assert "python -m vendo catalog" in refused(deployed, 2, action, "zzzzqqqq")
        refused(deployed, 2, action, "a b")
        assert server.client().connections.list() == before

    def test_a_slug_of_the_server_alone_is_known(self, deployed: Shell, server: LocalVendo) -> None:
        server.connect("my-tool")
        done(deployed, "rotate", "my-tool")

    def test_unknown_status(self, deployed: Shell, server: LocalVendo) -> None:
        assert "Unknown status 'broken'" in refused(deployed, 2, "status", "gmail", "broken")
        assert server.token("gmail")


class TestWallet:
    def test_balance(self, deployed: Shell, server: LocalVendo) -> None:
        assert done(deployed, "balance", "1250000") == "balance: 1250000\n"
        assert server.client().billing.balance().credits_remaining_micros == 1_250_000

    def test_caps_that_are_not_given_stay(self, deployed: Shell, server: LocalVendo) -> None:
        assert done(deployed, "caps") == "daily cap: none, monthly cap: none\n"
        done(deployed, "caps", "--monthly", "9000000")
        printed = json.loads(done(deployed, "caps", "--daily", "1000000", "--json"))
        assert (printed["daily_micros"], printed["monthly_micros"]) == (1_000_000, 9_000_000)
        done(deployed, "caps", "--monthly", "none")
        caps = server.client().billing.spend_caps()
        assert (caps.daily_micros, caps.monthly_micros) == (1_000_000, None)

    @pytest.mark.parametrize(
        "arguments",
        [
            *(("balance", value) for value in ("", "1.5", "-1", "1e6", "\u0661", "much")),
            ("balance",),
            ("caps", "--daily", "x"),
            ("caps", "--weekly", "1"),
        ],
    )
    def test_wrong_types(self, deployed: Shell, server: LocalVendo, arguments: Any) -> None:
        refused(deployed, 2, *arguments)
        assert server.client().billing.balance().credits_remaining_micros == 5_000_000
        assert server.client().billing.spend_caps().daily_micros is None


class TestEvents:
    def test_emit(self, deployed: Shell, server: LocalVendo) -> None:
        with server.client().events.subscribe() as events, ThreadPoolExecutor(1) as pool:
            reading = pool.submit(lambda: (next(events), next(events)))
            server.wait_for_streams(1)
            done(deployed, "emit", "connection.changed", "slug=gmail")
            done(
                deployed, "emit", "billing.usage_recorded", "provider=openai", "--json", "micros=5"
            )
            changed, used = reading.result(SECONDS)
        row = server.client().connections.get("gmail")
        assert row
        assert changed.data["connection_id"] == row.id
        assert (changed.type, changed.slug) == ("connection.changed", "gmail")
        assert (used.data["provider"], used.data["micros"]) == ("openai", 5)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("connection.chnged", "slug=gmail"), "Unknown event 'connection.chnged'"),
            (("connection.changed",), "needs slug=VALUE"),
            (("connection.changed", "slug=gmial"), "Did you mean 'gmail'?"),
            (("billing.balance_changed", "remaining_micros=x"), "must be a whole number"),
            (("connection.changed", "gmail"), "is not NAME=VALUE"),
            (("connection.status_changed", "slug=gmail", "status=bogus"), "Unknown status"),
            (("billing.usage_recorded", "provider=nosuch", "micros=1"), "does not know"),
            (("billing.balance_changed", "remaining_micros=-5"), "must not be negative"),
            (("billing.cap_tripped", "window=yearly"), "must be daily or monthly"),
            ((), "KIND"),
        ],
    )
    def test_bad_input(
        self, deployed: Shell, server: LocalVendo, arguments: Any, words: str
    ) -> None:
        before = server._service.state.events.next_number
        assert words in refused(deployed, 2, "emit", *arguments)
        assert server._service.state.events.next_number == before


class _Receiver(http.server.BaseHTTPRequestHandler):
    received: deque[tuple[dict[str, str], bytes]]
    status = 200
    response = b""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append((dict(self.headers), body))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.response)))
        self.send_header("Location", f"{self.path}/")
        self.end_headers()
        self.wfile.write(self.response)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[_Receiver]]]:
    class Receiver(_Receiver):
        received: deque[tuple[dict[str, str], bytes]] = deque()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as app:
        thread = threading.Thread(target=app.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{app.server_port}/hook", Receiver
        app.shutdown()
        thread.join()


class TestWebhooks:
    def test_it_is_signed_and_sent(
        self, deployed: Shell, server: LocalVendo, receiver: tuple[str, type[_Receiver]]
    ) -> None:
        url, app = receiver
        printed = done(deployed, "webhook", url, "--type", "connection.changed", "slug=gmail")
        assert printed == "HTTP 200\n"
        [(headers, body)] = app.received
        event = WebhooksAPI(server.webhook_secret).verify(headers, body)
        assert (event.type, event.slug) == ("connection.changed", "gmail")

    def test_it_is_of_the_first_connection_by_default(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]]
    ) -> None:
        url, app = receiver
        done(deployed, "webhook", url)
        [(_, body)] = app.received
        event = json.loads(body)
        assert (event["type"], event["data"]["slug"]) == ("connection.changed", "gmail")
        assert event["data"]["connection_id"]

    def test_its_fields_have_the_types_of_the_contract(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]]
    ) -> None:
        url, app = receiver
        arguments = ("webhook", url, "--type", "billing.usage_recorded", "provider=openai")
        assert "micros must be a whole number" in refused(deployed, 2, *arguments, "micros=abc")
        done(deployed, *arguments, "micros=5")
        [(_, body)] = app.received
        assert json.loads(body)["data"] == {"provider": "openai", "micros": 5}

    def test_a_receiver_that_refuses_or_is_away_is_status_1(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]]
    ) -> None:
        url, app = receiver
        app.status = 500
        assert "HTTP 500" in refused(deployed, 1, "webhook", url)
        with reserved_port() as port:
            url = f"http://127.0.0.1:{port}/hook"
            assert "No response" in refused(deployed, 1, "webhook", url)

    @pytest.mark.parametrize(
        ("status", "hint"),
        [
            (308, "Send it to the address that it redirects to: /hook/"),
            (400, "Set VENDO_WEBHOOK_SECRET of the application"),
            (404, "Give the address of the webhook view"),
            (500, "The application's log has the reason."),
        ],
    )
    def test_a_response_that_is_not_a_success_has_a_hint(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]], status: int, hint: str
    ) -> None:
        url, app = receiver
        app.status = status
        assert f"HTTP {status}. {hint}" in refused(deployed, 1, "webhook", url)

    @pytest.mark.parametrize(
        "url", ["https://example.com/hook", "127.0.0.1:8000", "ftp://127.0.0.1/", "http://[::1", ""]
    )
    def test_only_this_machine_gets_one(self, deployed: Shell, url: str) -> None:
        assert "on this machine" in refused(deployed, 2, "webhook", url)


class TestFaults:
    def test_the_next_requests_fail(self, deployed: Shell, server: LocalVendo) -> None:
        printed = done(deployed, "fail", "credentials", "--status", "403", "--times", "2")
        assert printed == "credentials: HTTP 403, 2 times\n"
        with Vendo(**server._addresses()) as client:
            for _ in range(2):
                with pytest.raises(Exception, match="injected"):
                    client.token("gmail")
            assert client.token("gmail")

    def test_a_server_on_which_all_fails_can_still_be_controlled(
        self, deployed: Shell, server: LocalVendo
    ) -> None:
        done(deployed, "fail", "any", "--times", "1000")
        server.revoke_key()
        printed = json.loads(done(deployed, "reset", "--json"))
        assert printed == {"connected": ["gmail", "slack"]}
        assert server.client().token("gmail")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("all",),
            (),
            ("api", "--status", "99"),
            ("api", "--times", "0"),
            ("api", "--status", "200"),
        ],
    )
    def test_bad_input(self, deployed: Shell, server: LocalVendo, arguments: Any) -> None:
        refused(deployed, 2, "fail", *arguments)
        assert server.client().token("gmail")


class TestTheServerItself:
    def test_it_is_not_counted(self, deployed: Shell, server: LocalVendo) -> None:
        done(deployed, "connect", "notion")
        assert server.requests == []

    def test_variables_that_are_not_of_a_server(self, shell: Shell, server: LocalVendo) -> None:
        assert "VENDO_API_KEY" in refused(shell, 2, "connect", "gmail")
        shell.env.update(server.environment())
        for url in ("https://vendo.run", "https://example.com", ""):
            shell.env["VENDO_BASE_URL"] = url
            assert "VENDO_BASE_URL" in refused(shell, 2, "connect", "gmail")
        shell.env["VENDO_BASE_URL"] = "nonsense"
        refused(shell, 2, "connect", "gmail")

    def test_another_key(self, deployed: Shell, server: LocalVendo) -> None:
        deployed.env["VENDO_API_KEY"] = server.connection_key("gmail")
        assert "not the key of this server" in refused(deployed, 2, "disconnect", "gmail")
        assert server.token("gmail")

    def test_a_server_that_is_gone(self, deployed: Shell) -> None:
        with reserved_port() as port:
            deployed.env["VENDO_BASE_URL"] = f"http://127.0.0.1:{port}"
            assert "No server responds" in refused(deployed, 2, "reset")

    def test_another_program_at_the_address(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]]
    ) -> None:
        deployed.env["VENDO_BASE_URL"] = receiver[0].removesuffix("/hook")
        assert "is not a server of" in refused(deployed, 2, "reset")

    def test_another_program_that_responds_with_endless_json(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]]
    ) -> None:
        url, app = receiver
        app.response = b"[" * 200_000
        deployed.env["VENDO_BASE_URL"] = url.removesuffix("/hook")
        assert "is not a server of" in refused(deployed, 2, "reset")

    @pytest.mark.parametrize("status", [200, 400, 401, 404, 409])
    def test_another_program_that_responds_with_json(
        self, deployed: Shell, receiver: tuple[str, type[_Receiver]], status: int
    ) -> None:
        url, app = receiver
        app.status, app.response = status, b"{}"
        deployed.env["VENDO_BASE_URL"] = url.removesuffix("/hook")
        assert "is not a server of" in refused(deployed, 2, "connect", "gmail")

    def test_a_proxy_of_the_environment_is_not_used(self, deployed: Shell) -> None:
        del deployed.env["NO_PROXY"]
        deployed.env["HTTP_PROXY"] = deployed.env["ALL_PROXY"] = "http://127.0.0.1:9"
        done(deployed, "reset")

    @pytest.mark.parametrize("action", ACTIONS)
    def test_help_has_an_example_that_begins_with_the_action(
        self, shell: Shell, action: str
    ) -> None:
        text = shell.vendo("server", action, "--help").stdout
        assert f"example:\n  python -m vendo server {action}" in text
        assert "--json" in text

    def test_unknown_action(self, shell: Shell) -> None:
        line = refused(shell, 2, "conect", "gmail")
        assert all(action in line for action in ACTIONS)

    def test_serve_is_changed_from_another_terminal(self, shell: Shell) -> None:
        with shell.start("serve") as process:
            shell.env.update(_exported(process))
            done(shell, "connect", "gmail")
            token = shell.vendo("token", "gmail")
            stop(process)
        assert token.stdout.startswith("local_gmail_")


def _exported(process: subprocess.Popen[str]) -> dict[str, str]:
    words = shlex.split(read_until(process, "/providers/SLUG$"), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)
