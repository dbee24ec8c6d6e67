"""An application's client follows its configuration, and by default the environment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_adapter.site import make_app
from vendo import AuthError, RetryPolicy, UpstreamTimeout, Vendo, VendoError
from vendo.testing import LocalVendo
from vendo_flask import FlaskVendo, checks, current_vendo, settings

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_extension_has_every_method_of_the_client(vendo_mode: LocalVendo) -> None:
    client = make_app().extensions["vendo"]

    assert isinstance(client, Vendo)
    assert client.is_vendo_mode()
    assert client.token("gmail") == vendo_mode.token("gmail")
    assert client.tokens(["openai", "slack"]) == {"openai": "sk-openai", "slack": None}
    assert client.session("gmail").get("gmail/v1/users/me/profile").ok
    assert client.connections.connected_slugs() == ["gmail", "openai"]
    assert client.integrations.env_vars("slack")
    assert client.billing.balance().currency == "USD"
    assert client.connect_url("gmail").startswith(vendo_mode.url)
    with client as entered:
        assert entered.token("openai") == "sk-openai"


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_tokens_come_from_the_environment(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    client = make_app(VENDO_API_KEY=key).extensions["vendo"]

    assert not client.is_vendo_mode()
    assert client.token("openai") == "sk-mine"


def test_each_application_uses_its_own_key() -> None:
    with LocalVendo(["gmail"]) as one, LocalVendo(["gmail"]) as other:
        apps = [(server, make_app(server.environment())) for server in (one, other)]
        barrier = Barrier(8)

        def ask(number: int) -> bool:
            server, app = apps[number % 2]
            barrier.wait()
            token = app.test_client().get("/token/").text
            with app.app_context():
                slugs = current_vendo.connections.connected_slugs()
            return token == server.token("gmail") and slugs == ["gmail"]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(8)))
        for server in (one, other):
            keys = {r.headers["authorization"] for r in server.requests if r.surface != "pages"}
            assert keys == {f"Bearer {server.api_key}"}


def test_a_changed_configuration_takes_effect_immediately(vendo_mode: LocalVendo) -> None:
    app = make_app()
    client = app.extensions["vendo"]
    first = client._get_current_object()
    assert client._get_current_object() is first

    app.config["VENDO_TIMEOUT"] = 5
    assert client.timeout == 5
    app.config["VENDO_TIMEOUT"] = None
    assert client.timeout == 30
    app.config["VENDO_API_KEY"] = "byok"
    assert not client.is_vendo_mode()
    assert app.extensions["vendo"] is client


def test_a_replaced_client_closes_its_connections(vendo_mode: LocalVendo) -> None:
    app = make_app()
    app.extensions["vendo"].connections.list()
    replaced = app.extensions["vendo"]._get_current_object()
    app.config["VENDO_TIMEOUT"] = 5
    app.extensions["vendo"].connections.list()
    opened = vendo_mode.connections_opened

    app.extensions["vendo"].connections.list()
    assert vendo_mode.connections_opened == opened
    replaced.connections.list()  # still usable, over a new connection
    assert vendo_mode.connections_opened == opened + 1
    replaced.close()


def test_concurrent_threads_get_the_same_client() -> None:
    app = make_app()
    app.config["VENDO_TIMEOUT"] = 11
    barrier = Barrier(20)

    def ask() -> int:
        barrier.wait()
        return id(app.extensions["vendo"]._get_current_object())

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(lambda _: ask(), range(20)))) == 1


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("VENDO_API_KEY", 5, "VENDO_API_KEY"),
        ("VENDO_API_KEY", ["canary"], "VENDO_API_KEY"),
        ("VENDO_API_KEY", "canary key", r'in app\.config\["VENDO_API_KEY"\] contains white space'),
        ("VENDO_BASE_URL", "http://example.com", "VENDO_BASE_URL"),
        ("VENDO_CREDENTIALS_URL", 7, "VENDO_CREDENTIALS_URL"),
        ("VENDO_DATA_PROXY_URL", b"canary", "VENDO_DATA_PROXY_URL"),
        ("VENDO_TIMEOUT", 0, "VENDO_TIMEOUT"),
        ("VENDO_TIMEOUT", True, "VENDO_TIMEOUT"),
        ("VENDO_TIMEOUT", "canary", "VENDO_TIMEOUT"),
        ("VENDO_TIMEOUT", "inf", "VENDO_TIMEOUT"),
        ("VENDO_TRUST_WSGI_HEADERS", "canary", "VENDO_TRUST_WSGI_HEADERS"),
        ("VENDO_TIMEOUT", float("inf"), "VENDO_TIMEOUT"),
        ("VENDO_REQUIRED", 5, "VENDO_REQUIRED"),
        ("VENDO_REQUIRED", [""], "VENDO_REQUIRED"),
        ("VENDO_WEBHOOK_SECRETS", ["canary", " "], "VENDO_WEBHOOK_SECRETS"),
        ("VENDO_WEBHOOK_SECRET", 5, "VENDO_WEBHOOK_SECRET"),
        ("VENDO_TIMEOUTS", "canary", r"Did you mean VENDO_TIMEOUT\?"),
        ("VENDO_KEY", "canary", r"Did you mean VENDO_API_KEY\?"),
        ("VENDO_AUHT", "canary", r"Did you mean VENDO_AUTH\?"),
        ("VENDO_TOKN_SLACK", "canary", r"Did you mean VENDO_TOKEN_<SLUG>\?"),
        ("VENDO_XYZ", True, "Use VENDO_API_KEY"),
    ],
)
def test_a_malformed_option_stops_the_start_and_is_not_repeated(
    option: str, value: Any, words: str
) -> None:
    with pytest.raises(VendoError, match=words) as caught:
        make_app(**{option: value})
    assert "canary" not in str(caught.value)


MALFORMED: dict[str, Any] = {
    "VENDO_API_KEY": "canary key",
    "VENDO_BASE_URL": "canary",
    "VENDO_CREDENTIALS_URL": "ftp://canary",
    "VENDO_DATA_PROXY_URL": "http://u:canary@127.0.0.1",
    "VENDO_REDIS_URL": "canary",
    "VENDO_TIMEOUT": "canary",
    "VENDO_REQUIRED": ["lin ear", "op!"],
}


def test_one_error_lists_everything_that_is_wrong() -> None:
    with pytest.raises(VendoError) as caught:
        make_app({5: "fine"}, VENDO_TIMEOUT=-1, VENDO_KEY="canary", OTHER="fine")  # type: ignore[dict-item]
    assert "VENDO_TIMEOUT" in str(caught.value)
    assert "VENDO_API_KEY" in str(caught.value)


def test_one_error_lists_every_value_that_cannot_be_used() -> None:
    with pytest.raises(VendoError) as caught:
        make_app(VENDO_KEY="canary", **MALFORMED)
    assert [name for name in (*MALFORMED, "VENDO_KEY") if name not in str(caught.value)] == []
    assert all(repr(slug) in str(caught.value) for slug in MALFORMED["VENDO_REQUIRED"])
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", ["canary key", ["canary"], 5])
def test_an_option_that_becomes_malformed_is_an_error_on_use(value: Any) -> None:
    app = make_app()
    app.config["VENDO_API_KEY"] = value
    with pytest.raises(VendoError) as caught:
        app.extensions["vendo"].token("openai")
    assert "canary" not in str(caught.value)


def test_an_environment_may_be_copied_into_the_configuration(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("VENDO_TENANT_ID", "tenant-1")
    monkeypatch.setenv("VENDO_TIMEOUT", "12")
    monkeypatch.setenv("VENDO_ANYTHING", "of another program")
    app = make_app(os.environ)
    assert app.extensions["vendo"].token("gmail") == vendo_mode.token("gmail")
    assert app.extensions["vendo"].timeout == 12


def test_values_may_be_text_as_files_and_environments_have_it(
    monkeypatch: pytest.MonkeyPatch, proxy: dict[str, str]
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-mine")
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "g-mine")
    text = {
        "VENDO_TIMEOUT": "30",
        "VENDO_REQUIRED": "openai, gmail",
        "VENDO_TRUST_WSGI_HEADERS": "true",
        "VENDO_WEBHOOK_SECRETS": "whsec_new,whsec_old",
    }
    app = make_app(text)
    client = app.extensions["vendo"]
    assert client.timeout == 30
    assert client._get_current_object() is client._get_current_object()
    assert list(settings.webhook_secrets(app) or ()) == ["whsec_new", "whsec_old"]
    with pytest.raises(VendoError, match="slack"):
        make_app({**text, "VENDO_REQUIRED": "openai,slack"})
    unknown_server = {"SERVER_SOFTWARE": "WSGIServer/0.2"}
    page = app.test_client().get("/who/", headers=proxy, environ_overrides=unknown_server)
    assert page.text == "ada@example.com"

    blank = make_app(dict.fromkeys([*text, "VENDO_API_KEY", "VENDO_TOKEN_SLACK"], ""))
    assert blank.extensions["vendo"].timeout == 30
    with blank.app_context():
        (found,) = checks.findings(blank)
    assert found.text == "The webhook view has no secret, and rejects every webhook."


def test_a_prefixed_environment_may_be_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("FLASK_VENDO_TIMEOUT", "7"),
        ("FLASK_VENDO_REQUIRED", "openai"),
        ("FLASK_VENDO_TRUST_WSGI_HEADERS", "1"),
        ("VENDO_TOKEN_OPENAI", "sk-mine"),
        ("VENDO_TIMEOUT", "9"),
    ):
        monkeypatch.setenv(name, value)
    for prefix, timeout in (("FLASK", 7), ("VENDO", 30)):
        app = Flask("prefixed")
        app.config.from_prefixed_env(prefix)
        FlaskVendo(app)
        assert app.extensions["vendo"].timeout == timeout


def test_a_variable_of_the_library_in_the_configuration_is_reported_as_without_effect(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = (
        "VENDO_TOKEN_SLACK",
        "VENDO_TOKEN_SLACK_FILE",
        "VENDO_API_KEY_FILE",
        "VENDO_API_URL",
        "VENDO_AUTH",
        "VENDO_CONNECTIONS",
        "VENDO_DEPLOYMENT_ID",
        "VENDO_DEPLOYMENT_SLUG",
        "VENDO_SANDBOX",
        "VENDO_TENANT_ID",
    )
    variables = dict.fromkeys(names, "canary")
    app = make_app(variables, views=False)

    assert [record.getMessage() for record in caplog.records] == [
        f'app.config["{name}"] has no effect: {name} is read from the environment alone. '
        f"Fix: Set the environment variable {name}, for a .env file with dotenv.load_dotenv()."
        for name in variables
    ]
    with app.app_context():
        found = checks.findings(app)
    assert [finding.is_wrong for finding in found] == [False] * len(variables)
    assert "canary" not in f"{found} {caplog.text}"

    for name in variables:
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("VENDO_API_URL", "")  # or it would be an address
    assert settings.without_effect(app) == ["VENDO_API_URL"]


def test_required_slugs_without_a_credential_stop_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(VendoError) as caught:
        make_app(VENDO_REQUIRED=["openai", "slack"])
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "SLACK_BOT_TOKEN" in str(caught.value)

    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    assert make_app(VENDO_REQUIRED=("openai",))


def test_required_slugs_are_checked_in_one_request(vendo_mode: LocalVendo) -> None:
    assert make_app(VENDO_REQUIRED=["openai", "gmail"])
    assert vendo_mode.count("credentials") == 1
    with pytest.raises(VendoError, match="slack"):
        make_app(VENDO_REQUIRED=["openai", "slack"])
    with pytest.raises(VendoError, match="nonsense"):
        make_app(VENDO_REQUIRED=["nonsense"])


def test_a_rejected_key_stops_the_start(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()
    with pytest.raises(AuthError) as caught:
        make_app(VENDO_REQUIRED=["openai"])
    assert vendo_mode.api_key not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
def test_an_application_starts_while_vendo_does_not_serve_it(
    status: int, vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    vendo_mode.fail("credentials", status=status, times=None)
    app = make_app(VENDO_REQUIRED=["openai"], VENDO_TIMEOUT=0.2)

    (record,) = caplog.records
    assert (record.name, record.levelname) == (app.logger.name, "WARNING")
    assert "VENDO_REQUIRED were not checked" in record.getMessage()
    vendo_mode.heal()
    app.config["VENDO_TIMEOUT"] = None
    assert app.extensions["vendo"].token("openai") == "sk-openai"


@pytest.mark.parametrize("status", [200, 401, 402, 403, 404, 429, 500, 503])
def test_the_doctor_reports_whatever_the_backend_responds(
    status: int, vendo_mode: LocalVendo
) -> None:
    app = make_app(VENDO_REQUIRED=["gmail"], VENDO_TIMEOUT=1)
    app.extensions["vendo"].invalidate("gmail")
    vendo_mode.fail("credentials", status=status, times=None)
    with app.app_context():
        assert any(finding.is_wrong for finding in checks.findings(app))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("VENDO_API_KEY", "canary key"),
        ("VENDO_API_KEY", ["canary"]),
        ("VENDO_BASE_URL", "ftp://canary"),
        ("VENDO_REDIS_URL", "canary"),
        ("VENDO_REDIS_URL", {}),
        ("VENDO_REQUIRED", 5),
        ("VENDO_REQUIRED", [["canary"]]),
        ("VENDO_REQUIRED", ["no slug!"]),
        ("VENDO_TIMEOUT", {}),
        ("VENDO_TRUST_WSGI_HEADERS", {}),
        ("VENDO_WEBHOOK_SECRET", 7),
        ("VENDO_WEBHOOK_SECRETS", {}),
        ("VENDO_X", object()),
    ],
)
@pytest.mark.parametrize("mode", ["oss", "vendo"])
def test_the_doctor_reports_a_broken_option_once(
    option: str, value: Any, mode: str, request: pytest.FixtureRequest
) -> None:
    if mode == "vendo":
        request.getfixturevalue("vendo_mode")
    app = make_app()
    app.config[option] = value
    with app.app_context():
        (found,) = [finding for finding in checks.findings(app) if finding.is_wrong]
    assert "canary" not in str(found)


def test_init_app_twice_is_an_error() -> None:
    app = Flask("once")
    vendo = FlaskVendo(app)
    for again in (vendo, FlaskVendo()):
        with pytest.raises(RuntimeError, match="once"):
            again.init_app(app)


def test_init_app_can_be_repeated_after_an_error() -> None:
    app = Flask("mended")
    app.config["VENDO_TIMEOUT"] = -1
    with pytest.raises(VendoError):
        FlaskVendo(app)
    app.config["VENDO_TIMEOUT"] = 1
    FlaskVendo(app)


class _Hanging:
    """A transport to a backend that never responds. It notes how long a request may take."""

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def send(self, request: Any) -> Any:
        self.timeouts.append(request.timeout)
        raise UpstreamTimeout("upstream_error", "No response.")

    def close(self) -> None: ...


@pytest.mark.parametrize("wrap", [lambda client: client, lambda client: LocalProxy(lambda: client)])
def test_a_start_waits_five_seconds_for_a_backend_that_hangs(
    wrap: Callable[[Vendo], Any], caplog: pytest.LogCaptureFixture
) -> None:
    transport, app = _Hanging(), Flask(__name__)
    client = Vendo("vendo_sk_canary", retry=RetryPolicy(1), transport=transport)
    app.extensions["vendo"] = wrap(client)
    app.config["VENDO_REQUIRED"] = ["openai"]
    FlaskVendo(app)
    assert max(transport.timeouts) <= 5
    assert "were not checked" in caplog.text
