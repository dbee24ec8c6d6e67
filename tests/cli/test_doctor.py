"""`doctor`: the report as text and as JSON."""

from __future__ import annotations

import json
import os
import re
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from cli.command import problems
from vendo import __version__

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo


def run_doctor(shell: Shell, *, status: int = 0) -> dict[str, Any]:
    """Return the JSON report, and check the exit status."""
    done = shell.vendo("doctor", "--json")
    assert (done.returncode, done.stderr) == (status, "")
    report: dict[str, Any] = json.loads(done.stdout)
    assert bool(report["problems"]) == bool(status)
    return report


def findings(report: dict[str, Any], kind: str) -> list[tuple[str, str | None]]:
    return [(found["text"], found["fix"]) for found in report[kind]]


def test_oss_mode_report_names_the_variable_of_each_credential(shell: Shell) -> None:
    shell.env.update(OPENAI_API_KEY="sk-mine", NOTION_API_TOKEN="n", VENDO_TOKEN_MY_TOOL="t")

    report = run_doctor(shell)

    assert (report["mode"], report["reason"]) == ("oss", "VENDO_API_KEY is not set")
    assert report["versions"]["vendo-sdk"] == __version__
    assert report["credentials"] == [
        {"slug": "notion", "variable": "NOTION_API_TOKEN", "file": None},
        {"slug": "openai", "variable": "OPENAI_API_KEY", "file": None},
        {"slug": "my_tool", "variable": "VENDO_TOKEN_MY_TOOL", "file": None},
    ]
    assert report["answers"] == report["notes"] == []
    page = shell.vendo("doctor").stdout
    assert "  OSS mode  VENDO_API_KEY is not set\n" in page
    assert "  openai   from OPENAI_API_KEY\n" in page
    assert "  not checked  OSS mode does not use it\n" in page
    assert page.endswith("\nNo problems found.\n")


def test_report_without_credentials(shell: Shell) -> None:
    assert "  none  no variable of the catalog is set\n" in shell.vendo("doctor").stdout


def test_override_wins_over_the_conventional_variable(shell: Shell) -> None:
    shell.env.update(OPENAI_API_KEY="sk-mine", VENDO_TOKEN_OPENAI="sk-other")

    report = run_doctor(shell)

    assert report["credentials"] == [
        {"slug": "openai", "variable": "VENDO_TOKEN_OPENAI", "file": None}
    ]


def test_vendo_mode_sends_each_surface_one_request(deployed: Shell, server: LocalVendo) -> None:
    report = run_doctor(deployed)

    assert (report["mode"], report["reason"]) == ("vendo", "VENDO_API_KEY is set")
    assert [(a["surface"], a["status"]) for a in report["answers"]] == [
        ("platform API", 200),
        ("credentials worker", 200),
        ("data proxy", 405),
    ]
    assert all(0 <= response["latency_ms"] < 60_000 for response in report["answers"])
    assert all(abs(response["clock_ahead_sec"]) <= 5 for response in report["answers"])
    assert report["connections"] == [
        {"slug": slug, "status": "connected", "profile": "composio_managed", "token": True}
        for slug in ("gmail", "slack")
    ]
    assert report["deployment"] == {"VENDO_WEBHOOK_SECRET": "is set"}
    surfaces = [request.surface for request in server.requests]
    assert sorted(surfaces) == ["api", "credentials", "data", "events"]
    assert report["events"] == "stream"


def test_text_report_has_the_content_of_the_json(deployed: Shell, server: LocalVendo) -> None:
    page = deployed.vendo("doctor").stdout

    assert "  Vendo mode  VENDO_API_KEY is set\n" in page
    assert "  gmail  connected  composio_managed  token from Vendo\n" in page
    assert f"  platform API        {server.url}" in page
    assert "from VENDO_CREDENTIALS_URL\n" in page
    assert re.search(r"  platform API        HTTP 200 +\d+ ms +clock in sync\n", page)
    assert re.search(r"  data proxy          reachable  \d+ ms +clock in sync\n", page)
    assert "\x1b" not in page


def test_report_on_a_terminal_is_coloured(deployed: Shell) -> None:
    status, shown = deployed.on_a_terminal("doctor")

    assert status == 0
    assert "\x1b[1;36mConnections\x1b[0m\n" in shown
    assert "\x1b[32mconnected\x1b[0m" in shown
    assert "\x1b[1;32mNo problems found.\x1b[0m\n" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "  gmail  connected  composio_managed  token from Vendo\n" in plain


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_report_without_colours(shell: Shell, variable: dict[str, str]) -> None:
    assert "\x1b" not in shell.on_a_terminal("doctor", **variable)[1]


def test_malformed_variables_are_problems_with_a_fix(shell: Shell) -> None:
    shell.env.update(
        OPENAI_API_KEY="canary-1\ncanary-2",
        VENDO_TOKEN_SLACK="canary\x07",
        VENDO_WEBHOOK_SECRET="canary\n2",
        GMAIL_BASE_URL="http://can\nary",
    )

    done = shell.vendo("doctor")

    assert done.returncode == 1
    found = problems(done.stdout)
    for name in ("OPENAI_API_KEY", "VENDO_TOKEN_SLACK", "VENDO_WEBHOOK_SECRET"):
        assert [fix for text, fix in found.items() if name in text and name in fix], name
    assert [text for text in found if "GMAIL_BASE_URL" in text]
    assert "canary" not in done.stdout
    assert "No problems found" not in done.stdout


def test_surprising_variables_are_noted(shell: Shell) -> None:
    shell.env.update(
        OPENAI_API_KEY=" ", SLACK_BOT_TOKEN="'xoxb-quoted'", VENDO_TOKEN_My_Tool="never"
    )
    (shell.folder / ".env").write_text("GITHUB_TOKEN=canary\n")

    report = run_doctor(shell)

    texts = dict(findings(report, "notes"))
    assert "OPENAI_API_KEY is blank, which counts as not set." in texts
    quoted = "The value of SLACK_BOT_TOKEN has quotes around it, which are sent too."
    assert "without quotes" in str(texts[quoted])
    assert [text for text in texts if text.startswith("VENDO_TOKEN_My_Tool is never read")]
    unloaded = "The .env file in the working directory sets GITHUB_TOKEN, but it was not loaded."
    assert "--env-file .env" in str(texts[unloaded])
    assert "canary" not in str(report)


@pytest.mark.parametrize("name", ["VENDO_AUTH", "VENDO_SANDBOX", "VENDO_TRUST_WSGI_HEADERS"])
def test_flag_that_is_neither_1_nor_0_is_noted(shell: Shell, name: str) -> None:
    for value, expected in (("yes", 1), ("true", 1), ("1", 0), ("0", 0), (" ", 0)):
        shell.env[name] = value
        found = [fix for text, fix in findings(run_doctor(shell), "notes") if "neither" in text]
        assert found == [f"Set {name}=1, or unset it."] * expected


def test_conventional_variables_are_ignored_in_vendo_mode(deployed: Shell) -> None:
    deployed.env.update(OPENAI_API_KEY="sk-mine", VENDO_TOKEN_GITHUB="ghp")

    report = run_doctor(deployed)

    assert report["credentials"] == [
        {"slug": "github", "variable": "VENDO_TOKEN_GITHUB", "file": None}
    ]
    (note,) = findings(report, "notes")
    assert note[0] == "Ignored in Vendo mode: OPENAI_API_KEY."


@pytest.mark.parametrize(
    ("key", "reason"),
    [(" ", "VENDO_API_KEY is blank"), ("byok", "VENDO_API_KEY is the placeholder byok")],
)
def test_blank_or_placeholder_key_is_oss_mode(shell: Shell, key: str, reason: str) -> None:
    shell.env["VENDO_API_KEY"] = key

    report = run_doctor(shell)

    assert (report["mode"], report["reason"]) == ("oss", reason)


def test_malformed_key_is_not_sent(deployed: Shell, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = "vendo_sk_canary\ncanary"

    report = run_doctor(deployed, status=1)

    assert report["mode"] == "vendo"
    ((text, fix),) = findings(report, "problems")
    assert "VENDO_API_KEY" in text
    assert "vendo_sk_" in str(fix)
    assert "canary" not in str(report)
    assert not server.requests


def test_unusual_key_is_noted_and_sent(deployed: Shell, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = "sk-canary"

    report = run_doctor(deployed, status=1)

    assert [t for t, _ in findings(report, "notes") if "does not look like an API key" in t]
    assert [t for t, _ in findings(report, "problems") if t.startswith("platform API: ")]
    assert server.count("api") == 1
    assert "canary" not in str(report)


@pytest.mark.parametrize("code", ["app_revoked", "app_expired"])
def test_rejected_key_is_a_problem(deployed: Shell, server: LocalVendo, code: str) -> None:
    server.revoke_key(code)

    report = run_doctor(deployed, status=1)

    assert {response["status"] for response in report["answers"]} == {401, 405}
    assert [fix for _, fix in findings(report, "problems") if fix and "dashboard" in fix]


def test_connection_key_is_noted(deployed: Shell, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = server.connection_key("gmail")

    report = run_doctor(deployed, status=0)

    assert [t for t, _ in findings(report, "notes") if "as for a connection key" in t]


def test_unreachable_backend_is_a_problem_for_each_surface(deployed: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for name in ("BASE", "CREDENTIALS", "DATA_PROXY"):
            deployed.env[f"VENDO_{name}_URL"] = closed

        report = run_doctor(deployed, status=1)

    assert report["answers"] == []
    found = findings(report, "problems")
    for surface in ("platform API", "credentials worker", "data proxy"):
        assert [fix for text, fix in found if text.startswith(f"{surface}: ") and fix], surface


def test_slow_backend_is_a_problem(deployed: Shell, server: LocalVendo) -> None:
    with server.hold("api"):
        done = deployed.vendo("doctor", "--timeout", "0.2")

    assert done.returncode == 1
    assert [text for text in problems(done.stdout) if text.startswith("platform API: ")]


@pytest.mark.parametrize(
    "fault", [{"html": True}, {"malformed": True}, {"status": 503}, {"reset": True}], ids=str
)
def test_broken_backend_is_a_problem(
    deployed: Shell, server: LocalVendo, fault: dict[str, Any]
) -> None:
    server.fail("any", times=None, **fault)

    report = run_doctor(deployed, status=1)

    texts = [text for text, _ in findings(report, "problems")]
    assert [text for text in texts if text.startswith("platform API: ")]
    assert [text for text in texts if text.startswith("credentials worker: ")]


def test_broken_connections_are_problems(deployed: Shell, server: LocalVendo) -> None:
    server.set_status("gmail", "needs_reauth")
    server.set_status("slack", "error")

    report = run_doctor(deployed, status=1)

    assert findings(report, "problems") == [
        (
            "The connection of gmail must be authorized again.",
            "python -m vendo connect-url gmail",
        ),
        ("The connection of slack has failed.", "python -m vendo connect-url slack"),
    ]


def test_connection_without_token_is_noted(deployed: Shell, server: LocalVendo) -> None:
    server.fail("credentials", body={"tokens": {"gmail": None}})

    report = run_doctor(deployed)

    assert {row["slug"]: row["token"] for row in report["connections"]} == {
        "gmail": False,
        "slack": False,
    }
    assert [t for t, _ in findings(report, "notes") if t.startswith("gmail is connected, but the")]


@pytest.mark.parametrize(("offset", "words"), [(120.0, "behind"), (-120.0, "ahead of")])
def test_clock_difference_is_noted(
    deployed: Shell, server: LocalVendo, offset: float, words: str
) -> None:
    server.set_clock_offset(offset)

    report = run_doctor(deployed)

    ((text, _),) = findings(report, "notes")
    assert re.fullmatch(
        rf"This machine's clock is 1[12]\d s {words} the backend's. Tokens still work.",
        text,
    )
    assert re.search(r"clock 1[12]\d s (ahead|behind)\n", deployed.vendo("doctor").stdout)


def test_clock_that_rejects_webhooks_is_a_problem(deployed: Shell, server: LocalVendo) -> None:
    server.set_clock_offset(3600.0)

    report = run_doctor(deployed, status=1)

    ((text, fix),) = findings(report, "problems")
    assert "webhooks are rejected" in text
    assert fix == "Set the clock."


def test_addresses_have_the_variable_that_sets_them(shell: Shell) -> None:
    shell.env.update(VENDO_API_URL="https://vendo.example.com/api/", VENDO_BASE_URL=" ")

    report = run_doctor(shell)

    assert report["addresses"] == [
        {
            "surface": "platform API",
            "url": "https://vendo.example.com",
            "source": "VENDO_API_URL",
            "proxy": None,
        },
        {
            "surface": "credentials worker",
            "url": "https://credentials.vendo.run",
            "source": "default",
            "proxy": None,
        },
        {
            "surface": "data proxy",
            "url": "https://composio-proxy.vendo.run",
            "source": "default",
            "proxy": None,
        },
    ]


@pytest.mark.parametrize(
    "url", ["http://vendo.example.com", "https://me:canary@vendo.example.com", "vendo", "https://"]
)
def test_malformed_address_is_a_problem(shell: Shell, url: str) -> None:
    shell.env["VENDO_BASE_URL"] = url

    report = run_doctor(shell, status=1)

    assert [text for text, _ in findings(report, "problems") if "VENDO_BASE_URL" in text]
    assert "canary" not in str(report)


@pytest.mark.parametrize(
    "url",
    [
        *("openai.example.com/v1", "htp://openai.example.com/v1", "https://openai.example.com/v 1"),
        *("https://openai.example.com/v1?key=canary", "http://openai.example.com/v1", "https://"),
        *("'https://openai.example.com'", "https://me:canary@openai.example.com"),
    ],
)
def test_malformed_address_of_a_provider_is_a_problem(shell: Shell, url: str) -> None:
    shell.env.update(OPENAI_BASE_URL=url, VENDO_TOKEN_MY_TOOL="t", MY_TOOL_BASE_URL=url)

    report = run_doctor(shell, status=1)

    by_name = {text.split()[3]: fix for text, fix in findings(report, "problems")}
    assert by_name == {
        "OPENAI_BASE_URL": "Unset OPENAI_BASE_URL, or set it to the default: "
        "https://api.openai.com/v1",
        "MY_TOOL_BASE_URL": "Unset MY_TOOL_BASE_URL, or set it to the whole URL of the provider, "
        "from https:// on.",
    }
    assert "canary" not in str(report)


def test_malformed_address_of_a_connection_outside_the_catalog_is_a_problem(
    deployed: Shell, server: LocalVendo
) -> None:
    server.connect("my-tool")
    deployed.env["MY_TOOL_BASE_URL"] = "my-tool.example.com"

    report = run_doctor(deployed, status=1)

    assert [text for text, _ in findings(report, "problems") if "MY_TOOL_BASE_URL" in text]


@pytest.mark.parametrize(
    ("variable", "surfaces"),
    [
        ("VENDO_BASE_URL", {"credentials", "data"}),
        ("VENDO_CREDENTIALS_URL", {"api", "data", "events"}),
        ("VENDO_DATA_PROXY_URL", {"api", "credentials", "events"}),
    ],
)
def test_malformed_address_does_not_stop_the_other_checks(
    deployed: Shell, server: LocalVendo, variable: str, surfaces: set[str]
) -> None:
    deployed.env[variable] = "http://vendo.example.com"

    run_doctor(deployed, status=1)

    assert {request.surface for request in server.requests} == surfaces


def test_proxies_and_certificates_are_shown_without_passwords(shell: Shell) -> None:
    (shell.folder / "ca.pem").write_text("")
    shell.env.update(
        HTTPS_PROXY="http://me:canary@proxy.example.com:3128",
        ALL_PROXY="socks5://[::1]:1080/canary",
        http_proxy="proxy.example.com",
        SSL_CERT_FILE=str(shell.folder / "ca.pem"),
        TELEGRAM_BASE_URL="https://telegram.example.com:8443/botcanary",
        OPENAI_BASE_URL="http://[canary",
    )

    report = run_doctor(shell, status=1)

    assert report["network"] == {
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "http_proxy": "proxy.example.com",
        "ALL_PROXY": "socks5://[::1]:1080",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(shell.folder / "ca.pem"),
    }
    assert report["provider_urls"] == {"TELEGRAM_BASE_URL": "https://telegram.example.com:8443"}
    assert {address["proxy"] for address in report["addresses"]} == {"proxy.example.com:3128"}
    assert "canary" not in str(report)
    assert "through proxy.example.com:3128\n" in shell.vendo("doctor").stdout


def test_report_says_what_uses_a_variable_that_vendo_ignores(shell: Shell) -> None:
    (shell.folder / "ca.pem").write_text("")
    shell.env.update(
        HTTPS_PROXY="http://proxy.example.com:3128",
        HTTP_PROXY="http://proxy.example.com:3128",
        all_proxy="http://proxy.example.com:3128",
        SSL_CERT_FILE=str(shell.folder / "ca.pem"),
        REQUESTS_CA_BUNDLE=str(shell.folder / "ca.pem"),
        CURL_CA_BUNDLE=str(shell.folder / "ca.pem"),
    )

    section = shell.vendo("doctor").stdout.partition("\nNetwork\n")[2].partition("\n\n")[0]

    ends = {line.split()[0]: line for line in section.splitlines()}
    assert ends["HTTPS_PROXY"].endswith(":3128")
    assert ends["SSL_CERT_FILE"].endswith("ca.pem")
    assert ends["HTTP_PROXY"].endswith("  your own HTTP clients only")
    assert ends["all_proxy"].endswith("  requests sessions and httpx only")
    assert ends["REQUESTS_CA_BUNDLE"].endswith("  requests sessions only")
    assert ends["CURL_CA_BUNDLE"].endswith("  requests sessions only")


def test_missing_certificates_are_a_problem(shell: Shell) -> None:
    shell.env["REQUESTS_CA_BUNDLE"] = "/missing/ca.pem"

    report = run_doctor(shell, status=1)

    ((text, fix),) = findings(report, "problems")
    assert text == "The file of REQUESTS_CA_BUNDLE does not exist."
    assert "REQUESTS_CA_BUNDLE" in str(fix)


def test_variables_of_the_deployment_are_shown(shell: Shell) -> None:
    shell.env.update(VENDO_TENANT_ID="t-1", VENDO_DEPLOYMENT_SLUG="shop", VENDO_AUTH="1")

    assert run_doctor(shell)["deployment"] == {
        "VENDO_TENANT_ID": "t-1",
        "VENDO_DEPLOYMENT_SLUG": "shop",
        "VENDO_AUTH": "1",
    }


def test_sandbox_is_sent_to_the_platform(deployed: Shell, server: LocalVendo) -> None:
    deployed.env["VENDO_SANDBOX"] = "1"

    run_doctor(deployed)

    (sent,) = [request for request in server.requests if request.surface == "api"]
    assert sent.query == {"sandbox": "1"}


def test_adapters_are_shown_with_framework_and_settings(shell: Shell) -> None:
    # A module in a folder of PYTHONPATH hides the installed adapter.
    folder = shell.folder / "hiding"
    folder.mkdir()
    shell.env["PYTHONPATH"] = os.pathsep.join([str(folder), shell.env["PYTHONPATH"]])
    for name in ("vendo_django", "vendo_flask", "vendo_starlette", "vendo_pytest"):
        (folder / f"{name}.py").write_text("raise RuntimeError('imported')\n")
        for package in ("django", "flask", "starlette"):
            info = folder / f"{package}-9.9.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.9\n"
            )
    shell.env.update(DJANGO_SETTINGS_MODULE="shop.settings", FLASK_APP="shop:make('canary')")

    report = run_doctor(shell)

    adapters = {adapter["name"]: adapter for adapter in report["adapters"]}
    assert adapters["vendo_django"] == {
        "name": "vendo_django",
        "frameworks": {"django": "9.9"},
        "settings": {"DJANGO_SETTINGS_MODULE": "shop.settings"},
        "command": "python manage.py vendo doctor",
    }
    assert adapters["vendo_flask"]["settings"] == {"FLASK_APP": "shop:make"}
    assert adapters["vendo_starlette"]["frameworks"]["starlette"] == "9.9"
    assert "pytest" in adapters["vendo_pytest"]["frameworks"]
    page = shell.vendo("doctor").stdout
    assert (
        "DJANGO_SETTINGS_MODULE=shop.settings; its settings: python manage.py vendo doctor" in page
    )
    assert "canary" not in page


def test_packages_of_the_extras_are_shown(shell: Shell) -> None:
    packages = run_doctor(shell)["packages"]

    assert set(packages) == {"requests", "aiohttp", "httpx2", "httpx", "python-dotenv"}
    assert (packages["requests"] is None) is (find_spec("requests") is None)


def test_a_token_that_was_not_asked_for_is_not_missed(deployed: Shell, server: LocalVendo) -> None:
    server.fail("credentials", status=503, times=None)
    report = run_doctor(deployed, status=1)
    assert not [text for text, _ in findings(report, "notes") if "has no token" in text]


@pytest.mark.parametrize("slug", ["\ud800", "a\0b", "\x1b[2J"])
def test_a_slug_of_the_backend_that_is_none_is_shown_without_its_control_characters(
    deployed: Shell, server: LocalVendo, slug: str
) -> None:
    rows = [{"slug": slug, "status": "connected", "id": "1"}]
    server.fail("api", 200, body=json.dumps({"connections": rows}), times=None)

    page = deployed.vendo("doctor")

    assert (page.returncode, page.stderr) == (0, "")
    assert "connected" in page.stdout
    assert slug not in page.stdout
    assert run_doctor(deployed)["connections"][0]["slug"] == slug
