"""`doctor`: what support asks for first, on one page and as JSON."""

from __future__ import annotations

import json
import re
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from cli.command import problems
from vendo import __version__

if TYPE_CHECKING:
    from cli.command import Person
    from vendo.testing import LocalVendo


def examined(person: Person, *, status: int = 0) -> dict[str, Any]:
    """What it finds out, as a program reads it."""
    done = person.vendo("doctor", "--json")
    assert (done.returncode, done.stderr) == (status, "")
    facts: dict[str, Any] = json.loads(done.stdout)
    assert bool(facts["problems"]) == bool(status)
    return facts


def told(facts: dict[str, Any], kind: str) -> list[tuple[str, str | None]]:
    return [(found["text"], found["fix"]) for found in facts[kind]]


def test_in_oss_mode_it_tells_where_each_credential_comes_from(person: Person) -> None:
    person.env.update(OPENAI_API_KEY="sk-mine", NOTION_API_TOKEN="n", VENDO_TOKEN_MY_TOOL="t")

    facts = examined(person)

    assert (facts["mode"], facts["reason"]) == ("oss", "VENDO_API_KEY is not set")
    assert facts["versions"]["vendo-sdk"] == __version__
    assert facts["credentials"] == [
        {"slug": "notion", "variable": "NOTION_API_TOKEN"},
        {"slug": "openai", "variable": "OPENAI_API_KEY"},
        {"slug": "my_tool", "variable": "VENDO_TOKEN_MY_TOOL"},
    ]
    assert facts["answers"] == facts["notes"] == []
    page = person.vendo("doctor").stdout
    assert "  OSS mode  VENDO_API_KEY is not set\n" in page
    assert "  openai   from OPENAI_API_KEY\n" in page
    assert "  not asked  OSS mode needs none\n" in page
    assert page.endswith("\nNothing is wrong.\n")


def test_with_nothing_set_it_says_so(person: Person) -> None:
    assert "  none  no variable that the catalog knows is set\n" in person.vendo("doctor").stdout


def test_the_override_is_what_counts(person: Person) -> None:
    person.env.update(OPENAI_API_KEY="sk-mine", VENDO_TOKEN_OPENAI="sk-other")

    facts = examined(person)

    assert facts["credentials"] == [{"slug": "openai", "variable": "VENDO_TOKEN_OPENAI"}]


def test_in_vendo_mode_it_asks_each_surface_once(deployed: Person, server: LocalVendo) -> None:
    facts = examined(deployed)

    assert (facts["mode"], facts["reason"]) == ("vendo", "VENDO_API_KEY is set")
    assert [(a["surface"], a["status"]) for a in facts["answers"]] == [
        ("platform API", 200),
        ("credentials worker", 200),
        ("data proxy", 405),
    ]
    assert all(0 <= answer["latency_ms"] < 60_000 for answer in facts["answers"])
    assert all(abs(answer["clock_ahead_sec"]) <= 5 for answer in facts["answers"])
    assert facts["connections"] == [
        {"slug": slug, "status": "connected", "profile": "user_oauth", "token": True}
        for slug in ("gmail", "slack")
    ]
    assert facts["deployment"] == {"VENDO_WEBHOOK_SECRET": "is set"}
    assert len(server.requests) == 3


def test_the_page_shows_what_the_json_has(deployed: Person, server: LocalVendo) -> None:
    page = deployed.vendo("doctor").stdout

    assert "  Vendo mode  VENDO_API_KEY is set\n" in page
    assert "  gmail  connected  user_oauth  token from Vendo\n" in page
    assert f"  platform API        {server.url}" in page
    assert "from VENDO_CREDENTIALS_URL\n" in page
    assert re.search(r"  platform API        HTTP 200  \d+ ms +clock in step\n", page)
    assert re.search(r"  data proxy          answers   \d+ ms +clock in step\n", page)
    assert "\x1b" not in page


def test_on_a_terminal_it_has_colours_and_the_same_words(deployed: Person) -> None:
    status, shown = deployed.on_a_terminal("doctor")

    assert status == 0
    assert "\x1b[1;36mConnections\x1b[0m\n" in shown
    assert "\x1b[32mconnected\x1b[0m" in shown
    assert "\x1b[1;32mNothing is wrong.\x1b[0m\n" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "  gmail  connected  user_oauth  token from Vendo\n" in plain


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_who_wants_no_colour_gets_none(person: Person, variable: dict[str, str]) -> None:
    assert "\x1b" not in person.on_a_terminal("doctor", **variable)[1]


def test_what_is_malformed_is_named_with_what_to_do(person: Person) -> None:
    person.env.update(
        OPENAI_API_KEY="canary-1\ncanary-2",
        VENDO_TOKEN_SLACK="canary\x07",
        VENDO_WEBHOOK_SECRET="canary\n2",
        GMAIL_BASE_URL="http://can\nary",
    )

    done = person.vendo("doctor")

    assert done.returncode == 1
    found = problems(done.stdout)
    for name in ("OPENAI_API_KEY", "VENDO_TOKEN_SLACK", "VENDO_WEBHOOK_SECRET"):
        assert [fix for text, fix in found.items() if name in text and name in fix], name
    assert [text for text in found if "GMAIL_BASE_URL" in text]
    assert "canary" not in done.stdout
    assert "Nothing is wrong" not in done.stdout


def test_what_may_surprise_is_noted(person: Person) -> None:
    person.env.update(
        OPENAI_API_KEY=" ", SLACK_BOT_TOKEN="'xoxb-quoted'", VENDO_TOKEN_My_Tool="never"
    )
    (person.folder / ".env").write_text("GITHUB_TOKEN=canary\n")

    facts = examined(person)

    texts = dict(told(facts, "notes"))
    assert "OPENAI_API_KEY is set and blank, which counts as not set." in texts
    quoted = "The value of SLACK_BOT_TOKEN has quotes around it, which are sent too."
    assert "without quotes" in str(texts[quoted])
    assert [text for text in texts if text.startswith("VENDO_TOKEN_My_Tool is never read")]
    unloaded = (
        "The .env file in the working directory sets GITHUB_TOKEN, and nothing has loaded it."
    )
    assert "--env-file .env" in str(texts[unloaded])
    assert "canary" not in str(facts)


def test_conventional_variables_are_noted_in_vendo_mode(deployed: Person) -> None:
    deployed.env.update(OPENAI_API_KEY="sk-mine", VENDO_TOKEN_GITHUB="ghp")

    facts = examined(deployed)

    assert facts["credentials"] == [{"slug": "github", "variable": "VENDO_TOKEN_GITHUB"}]
    (note,) = told(facts, "notes")
    assert note[0] == "Set, and of no effect in Vendo mode: OPENAI_API_KEY."


@pytest.mark.parametrize(
    ("key", "reason"),
    [(" ", "VENDO_API_KEY is blank"), ("byok", "VENDO_API_KEY is the placeholder byok")],
)
def test_a_key_that_is_none_is_oss_mode(person: Person, key: str, reason: str) -> None:
    person.env["VENDO_API_KEY"] = key

    facts = examined(person)

    assert (facts["mode"], facts["reason"]) == ("oss", reason)


def test_a_malformed_key_is_sent_nowhere(deployed: Person, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = "vendo_sk_canary\ncanary"

    facts = examined(deployed, status=1)

    assert facts["mode"] == "vendo"
    ((text, fix),) = told(facts, "problems")
    assert "VENDO_API_KEY" in text
    assert "vendo_sk_" in str(fix)
    assert "canary" not in str(facts)
    assert not server.requests


def test_a_key_of_another_shape_is_noted_and_sent(deployed: Person, server: LocalVendo) -> None:
    deployed.env["VENDO_API_KEY"] = "sk-canary"

    facts = examined(deployed, status=1)

    assert [t for t, _ in told(facts, "notes") if "does not look like a key" in t]
    assert [t for t, _ in told(facts, "problems") if t.startswith("platform API: ")]
    assert server.count("api") == 1
    assert "canary" not in str(facts)


@pytest.mark.parametrize("code", ["app_revoked", "app_expired"])
def test_a_key_that_is_no_longer_good_is_a_problem(
    deployed: Person, server: LocalVendo, code: str
) -> None:
    server.revoke_key(code)

    facts = examined(deployed, status=1)

    assert {answer["status"] for answer in facts["answers"]} == {401, 405}
    assert [fix for _, fix in told(facts, "problems") if fix and "dashboard" in fix]


def test_a_connection_key_can_have_its_token_and_that_is_noted(
    deployed: Person, server: LocalVendo
) -> None:
    deployed.env["VENDO_API_KEY"] = server.connection_key("gmail")

    facts = examined(deployed, status=0)

    assert [t for t, _ in told(facts, "notes") if "as for a connection key" in t]


def test_a_backend_that_is_not_there_is_a_problem_for_each_surface(deployed: Person) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for name in ("BASE", "CREDENTIALS", "DATA_PROXY"):
            deployed.env[f"VENDO_{name}_URL"] = nowhere

        facts = examined(deployed, status=1)

    assert facts["answers"] == []
    found = told(facts, "problems")
    for surface in ("platform API", "credentials worker", "data proxy"):
        assert [fix for text, fix in found if text.startswith(f"{surface}: ") and fix], surface


def test_a_backend_that_is_too_slow_is_a_problem(deployed: Person, server: LocalVendo) -> None:
    with server.hold("api"):
        done = deployed.vendo("doctor", "--timeout", "0.2")

    assert done.returncode == 1
    assert [text for text in problems(done.stdout) if text.startswith("platform API: ")]


@pytest.mark.parametrize(
    "fault", [{"html": True}, {"malformed": True}, {"status": 503}, {"reset": True}], ids=str
)
def test_a_backend_that_answers_anything_else_is_a_problem(
    deployed: Person, server: LocalVendo, fault: dict[str, Any]
) -> None:
    server.fail("any", times=None, **fault)

    facts = examined(deployed, status=1)

    texts = [text for text, _ in told(facts, "problems")]
    assert [text for text in texts if text.startswith("platform API: ")]
    assert [text for text in texts if text.startswith("credentials worker: ")]


def test_connections_that_need_somebody_are_problems(deployed: Person, server: LocalVendo) -> None:
    server.set_status("gmail", "needs_reauth")
    server.set_status("slack", "error")

    facts = examined(deployed, status=1)

    assert told(facts, "problems") == [
        (
            "The connection of gmail has to be authorized again.",
            "python -m vendo connect-url gmail prints where.",
        ),
        ("The connection of slack is in error.", "python -m vendo connect-url slack prints where."),
    ]


def test_a_connection_without_a_token_is_noted(deployed: Person, server: LocalVendo) -> None:
    server.fail("credentials", body={"tokens": {"gmail": None}})

    facts = examined(deployed)

    assert {row["slug"]: row["token"] for row in facts["connections"]} == {
        "gmail": False,
        "slack": False,
    }
    assert [t for t, _ in told(facts, "notes") if t.startswith("gmail is connected, and the")]


@pytest.mark.parametrize(("offset", "words"), [(120.0, "behind"), (-120.0, "ahead of")])
def test_a_clock_that_is_off_is_noted(
    deployed: Person, server: LocalVendo, offset: float, words: str
) -> None:
    server.set_clock_offset(offset)

    facts = examined(deployed)

    ((text, _),) = told(facts, "notes")
    assert re.fullmatch(
        rf"This machine's clock is 1[12]\d s {words} the backend's. Tokens are not harmed by it.",
        text,
    )
    assert re.search(r"clock 1[12]\d s (ahead|behind)\n", deployed.vendo("doctor").stdout)


def test_a_clock_that_refuses_webhooks_is_a_problem(deployed: Person, server: LocalVendo) -> None:
    server.set_clock_offset(3600.0)

    facts = examined(deployed, status=1)

    ((text, fix),) = told(facts, "problems")
    assert "webhooks are refused" in text
    assert fix == "Set the clock."


def test_addresses_are_told_with_what_says_so(person: Person) -> None:
    person.env.update(VENDO_API_URL="https://vendo.example.com/api/", VENDO_BASE_URL=" ")

    facts = examined(person)

    assert facts["addresses"] == [
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
def test_an_address_that_is_none_is_a_problem(person: Person, url: str) -> None:
    person.env["VENDO_BASE_URL"] = url

    facts = examined(person, status=1)

    assert [text for text, _ in told(facts, "problems") if "VENDO_BASE_URL" in text]
    assert "canary" not in str(facts)


@pytest.mark.parametrize(
    ("variable", "asked"),
    [
        ("VENDO_BASE_URL", {"credentials", "data"}),
        ("VENDO_CREDENTIALS_URL", {"api", "data"}),
        ("VENDO_DATA_PROXY_URL", {"api", "credentials"}),
    ],
)
def test_a_malformed_address_does_not_keep_the_others_from_being_asked(
    deployed: Person, server: LocalVendo, variable: str, asked: set[str]
) -> None:
    deployed.env[variable] = "http://vendo.example.com"

    examined(deployed, status=1)

    assert {request.surface for request in server.requests} == asked


def test_proxies_and_certificates_are_told_without_passwords(person: Person) -> None:
    (person.folder / "ca.pem").write_text("")
    person.env.update(
        HTTPS_PROXY="http://me:canary@proxy.example.com:3128",
        ALL_PROXY="socks5://[::1]:1080/canary",
        http_proxy="proxy.example.com",
        SSL_CERT_FILE=str(person.folder / "ca.pem"),
        TELEGRAM_BASE_URL="https://telegram.example.com:8443/botcanary",
        OPENAI_BASE_URL="http://[canary",
    )

    facts = examined(person)

    assert facts["network"] == {
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "http_proxy": "proxy.example.com",
        "ALL_PROXY": "socks5://[::1]:1080",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(person.folder / "ca.pem"),
    }
    assert facts["provider_urls"] == {
        "OPENAI_BASE_URL": "(no address)",
        "TELEGRAM_BASE_URL": "https://telegram.example.com:8443",
    }
    assert {place["proxy"] for place in facts["addresses"]} == {"proxy.example.com:3128"}
    assert "canary" not in str(facts)
    assert "through proxy.example.com:3128\n" in person.vendo("doctor").stdout


def test_the_page_says_which_variables_the_calls_to_vendo_do_not_go_by(person: Person) -> None:
    (person.folder / "ca.pem").write_text("")
    person.env.update(
        HTTPS_PROXY="http://proxy.example.com:3128",
        HTTP_PROXY="http://proxy.example.com:3128",
        all_proxy="http://proxy.example.com:3128",
        SSL_CERT_FILE=str(person.folder / "ca.pem"),
        REQUESTS_CA_BUNDLE=str(person.folder / "ca.pem"),
        CURL_CA_BUNDLE=str(person.folder / "ca.pem"),
    )

    section = person.vendo("doctor").stdout.partition("\nNetwork\n")[2].partition("\n\n")[0]

    ends = {line.split()[0]: line for line in section.splitlines()}
    assert ends["HTTPS_PROXY"].endswith(":3128")
    assert ends["SSL_CERT_FILE"].endswith("ca.pem")
    assert ends["HTTP_PROXY"].endswith("  clients of your own only")
    assert ends["all_proxy"].endswith("  sessions of requests, and httpx, only")
    assert ends["REQUESTS_CA_BUNDLE"].endswith("  sessions of requests only")
    assert ends["CURL_CA_BUNDLE"].endswith("  sessions of requests only")


def test_certificates_that_are_not_there_are_a_problem(person: Person) -> None:
    person.env["REQUESTS_CA_BUNDLE"] = "/nowhere/ca.pem"

    facts = examined(person, status=1)

    ((text, fix),) = told(facts, "problems")
    assert text == "REQUESTS_CA_BUNDLE names a file that does not exist."
    assert "REQUESTS_CA_BUNDLE" in str(fix)


def test_what_the_platform_says_of_the_deployment_is_told(person: Person) -> None:
    person.env.update(VENDO_TENANT_ID="t-1", VENDO_DEPLOYMENT_SLUG="shop", VENDO_AUTH="1")

    assert examined(person)["deployment"] == {
        "VENDO_TENANT_ID": "t-1",
        "VENDO_DEPLOYMENT_SLUG": "shop",
        "VENDO_AUTH": "1",
    }


def test_a_sandbox_is_asked_about_as_one(deployed: Person, server: LocalVendo) -> None:
    deployed.env["VENDO_SANDBOX"] = "1"

    examined(deployed)

    (asked,) = [request for request in server.requests if request.surface == "api"]
    assert asked.query == {"sandbox": "1"}


def test_adapters_are_told_with_their_framework_and_settings(person: Person) -> None:
    # An adapter of the same name in the working directory stands for the installed one.
    for name in ("vendo_django", "vendo_flask", "vendo_starlette", "vendo_pytest"):
        (person.folder / f"{name}.py").write_text("raise RuntimeError('imported')\n")
        for package in ("django", "flask", "starlette"):
            info = person.folder / f"{package}-9.9.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.9\n"
            )
    person.env.update(DJANGO_SETTINGS_MODULE="shop.settings", FLASK_APP="shop:make('canary')")

    facts = examined(person)

    adapters = {adapter["name"]: adapter for adapter in facts["adapters"]}
    assert adapters["vendo_django"] == {
        "name": "vendo_django",
        "frameworks": {"django": "9.9"},
        "settings": {"DJANGO_SETTINGS_MODULE": "shop.settings"},
        "command": "python manage.py vendo doctor",
    }
    assert adapters["vendo_flask"]["settings"] == {"FLASK_APP": "shop:make"}
    assert adapters["vendo_starlette"]["frameworks"]["starlette"] == "9.9"
    assert "pytest" in adapters["vendo_pytest"]["frameworks"]
    page = person.vendo("doctor").stdout
    assert (
        "DJANGO_SETTINGS_MODULE=shop.settings; its settings: python manage.py vendo doctor" in page
    )
    assert "canary" not in page


def test_the_packages_that_vendo_works_with_are_told(person: Person) -> None:
    packages = examined(person)["packages"]

    assert set(packages) == {"requests", "aiohttp", "httpx2", "httpx", "python-dotenv"}
    assert (packages["requests"] is None) is (find_spec("requests") is None)
