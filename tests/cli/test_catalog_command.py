"""`catalog` and `connect-url`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from vendo._catalog import catalog

if TYPE_CHECKING:
    from cli.command import Shell
    from vendo.testing import LocalVendo


def test_catalog_lists_every_provider_with_its_variables(shell: Shell) -> None:
    lines = shell.vendo("catalog").stdout.splitlines()

    assert lines[0].split() == ["SLUG", "NAME", "CATEGORY", "VARIABLES"]
    assert [line.split()[0] for line in lines[1:]] == list(catalog.slugs())
    slack = next(line for line in lines if line.startswith("slack "))
    assert slack.endswith("SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET")


def test_catalog_json_has_every_field(shell: Shell) -> None:
    rows = json.loads(shell.vendo("catalog", "--json").stdout)

    assert [row["slug"] for row in rows] == list(catalog.slugs())
    assert rows[0] == json.loads(shell.vendo("catalog", rows[0]["slug"], "--json").stdout)


def test_catalog_shows_one_provider_in_full(shell: Shell) -> None:
    lines = shell.vendo("catalog", "Notion").stdout.splitlines()

    shown = {line[:8].strip(): line[8:].strip() for line in lines}
    assert shown["slug"] == "notion"
    assert shown["variable"] == "NOTION_TOKEN"
    assert shown["or"] == "NOTION_API_TOKEN"
    assert shown["sent as"] == "Authorization: Bearer {token}"
    assert "with" not in shown


def test_catalog_shows_how_a_token_is_sent(shell: Shell) -> None:
    assert "sent as   path /bot" in shell.vendo("catalog", "telegram").stdout
    basic = next(
        row.slug for row in map(catalog.provider, catalog.slugs()) if row and row.basic is not None
    )
    assert "sent as   basic authentication" in shell.vendo("catalog", basic).stdout
    linear = shell.vendo("catalog", "linear").stdout
    assert "{token} where it begins with lin_api_, else Authorization: Bearer {token}" in linear


def test_misspelled_slug_gets_a_suggestion(shell: Shell) -> None:
    done = shell.vendo("catalog", "opnai")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: 'opnai' is not in the catalog.\nfix: Did you mean 'openai'?\n"


def test_unknown_slug_without_a_similar_one_leads_to_the_list(shell: Shell) -> None:
    done = shell.vendo("catalog", "zzzzzzzz")

    assert done.returncode == 1
    assert done.stderr == (
        "error: 'zzzzzzzz' is not in the catalog.\n"
        "fix: Run python -m vendo catalog. It lists the slugs.\n"
    )


def test_connect_url_includes_return_to_and_state(deployed: Shell, server: LocalVendo) -> None:
    done = deployed.vendo(
        *("connect-url", "notion", "--return-to", "https://app.example.com/a?b=c", "--state", "7 &")
    )

    url = urlsplit(done.stdout.strip())
    assert f"{url.scheme}://{url.netloc}" == server.url
    assert url.path == "/connections/connect/notion"
    assert parse_qs(url.query) == {
        "app_key": [server.api_key],
        "return_to": ["https://app.example.com/a?b=c"],
        "state": ["7 &"],
    }


def test_connect_url_of_an_unknown_slug_comes_with_a_question(
    deployed: Shell, server: LocalVendo
) -> None:
    done = deployed.vendo("connect-url", "notoin")

    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert done.stderr == "note: notoin is not in the catalog. Did you mean 'notion'?\n"


def test_connect_url_without_api_key_fails(shell: Shell) -> None:
    done = shell.vendo("connect-url", "notion")

    assert (done.returncode, done.stdout) == (1, "")
    assert "VENDO_API_KEY" in done.stderr
