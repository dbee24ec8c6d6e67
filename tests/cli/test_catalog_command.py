"""`catalog` and `connect-url`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from vendo._catalog import catalog

if TYPE_CHECKING:
    from cli.command import Person
    from vendo.testing import LocalVendo


def test_the_catalog_lists_every_provider_with_its_variables(person: Person) -> None:
    lines = person.vendo("catalog").stdout.splitlines()

    assert lines[0].split() == ["SLUG", "NAME", "CATEGORY", "VARIABLES"]
    assert [line.split()[0] for line in lines[1:]] == list(catalog.slugs())
    slack = next(line for line in lines if line.startswith("slack "))
    assert slack.endswith("SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET")


def test_the_catalog_as_json_has_all_of_each_row(person: Person) -> None:
    rows = json.loads(person.vendo("catalog", "--json").stdout)

    assert [row["slug"] for row in rows] == list(catalog.slugs())
    assert rows[0] == json.loads(person.vendo("catalog", rows[0]["slug"], "--json").stdout)


def test_one_provider_is_shown_in_full(person: Person) -> None:
    lines = person.vendo("catalog", "Notion").stdout.splitlines()

    shown = {line[:8].strip(): line[8:].strip() for line in lines}
    assert shown["slug"] == "notion"
    assert shown["variable"] == "NOTION_TOKEN"
    assert shown["or"] == "NOTION_API_TOKEN"
    assert shown["sent as"] == "Authorization: Bearer {token}"
    assert "with" not in shown


def test_a_token_in_the_path_and_basic_authentication_are_told(person: Person) -> None:
    assert "sent as   path /bot" in person.vendo("catalog", "telegram").stdout
    basic = next(
        row.slug for row in map(catalog.provider, catalog.slugs()) if row and row.basic is not None
    )
    assert "sent as   basic authentication" in person.vendo("catalog", basic).stdout
    linear = person.vendo("catalog", "linear").stdout
    assert "{token} where it begins with lin_api_, else Authorization: Bearer {token}" in linear


def test_an_unknown_slug_gets_a_suggestion(person: Person) -> None:
    done = person.vendo("catalog", "opnai")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: 'opnai' is not in the catalog.\nfix: Did you mean 'openai'?\n"


def test_a_slug_like_no_other_gets_none(person: Person) -> None:
    done = person.vendo("catalog", "zzzzzzzz")

    assert (done.returncode, done.stderr) == (1, "error: 'zzzzzzzz' is not in the catalog.\n")


def test_connect_url_prints_the_address_with_what_comes_back(
    deployed: Person, server: LocalVendo
) -> None:
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


def test_without_a_key_there_is_nowhere_to_connect(person: Person) -> None:
    done = person.vendo("connect-url", "notion")

    assert (done.returncode, done.stdout) == (1, "")
    assert "VENDO_API_KEY" in done.stderr
