from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import vendo
from vendo._catalog import catalog
from vendo._catalog.catalog import Provider
from vendo._catalog.data import PROVIDERS
from vendo._catalog.slug_type import Slug
from vendo._sessions.policy import Policy

BEARER = ("Authorization", "Bearer {token}")

# slug -> variables that may hold the credential, companions, header, base URL
REQUIRED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, str], str]] = {
    "anthropic": (
        ("ANTHROPIC_API_KEY",),
        (),
        ("x-api-key", "{token}"),
        "https://api.anthropic.com",
    ),
    "assemblyai": (
        ("ASSEMBLYAI_API_KEY",),
        (),
        ("Authorization", "{token}"),
        "https://api.assemblyai.com",
    ),
    "elevenlabs": (
        ("ELEVENLABS_API_KEY",),
        (),
        ("xi-api-key", "{token}"),
        "https://api.elevenlabs.io",
    ),
    "gemini": (
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        (),
        ("x-goog-api-key", "{token}"),
        "https://generativelanguage.googleapis.com",
    ),
    "github": (("GITHUB_TOKEN", "GH_TOKEN"), (), BEARER, "https://api.github.com"),
    "gmail": (("GMAIL_ACCESS_TOKEN",), (), BEARER, "https://gmail.googleapis.com"),
    "google": (("GOOGLE_ACCESS_TOKEN",), (), BEARER, "https://www.googleapis.com"),
    "googledrive": (
        ("GOOGLEDRIVE_ACCESS_TOKEN", "GOOGLE_DRIVE_ACCESS_TOKEN"),
        (),
        BEARER,
        "https://www.googleapis.com/drive/v3",
    ),
    "instagram": (("INSTAGRAM_ACCESS_TOKEN",), (), BEARER, "https://graph.instagram.com"),
    "linear": (
        ("LINEAR_API_KEY",),
        (),
        ("Authorization", "{token}"),
        "https://api.linear.app",
    ),
    "muapi": (
        ("MUAPI_API_KEY", "MUAPIAPP_API_KEY"),
        (),
        ("x-api-key", "{token}"),
        "https://api.muapi.ai/api/v1",
    ),
    "notion": (("NOTION_TOKEN", "NOTION_API_TOKEN"), (), BEARER, "https://api.notion.com"),
    "openai": (("OPENAI_API_KEY",), (), BEARER, "https://api.openai.com/v1"),
    "openrouter": (("OPENROUTER_API_KEY",), (), BEARER, "https://openrouter.ai/api/v1"),
    "slack": (("SLACK_BOT_TOKEN",), ("SLACK_SIGNING_SECRET",), BEARER, "https://slack.com/api"),
    "stripe": (
        ("STRIPE_SECRET_KEY", "STRIPE_API_KEY"),
        (),
        BEARER,
        "https://api.stripe.com",
    ),
    "supabase": (("SUPABASE_ACCESS_TOKEN",), (), BEARER, "https://api.supabase.com"),
    "telegram": (("TELEGRAM_BOT_TOKEN",), (), BEARER, "https://api.telegram.org"),
}

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")

every_slug = pytest.mark.parametrize("slug", sorted(PROVIDERS))


def known(slug: str) -> Provider:
    found = catalog.provider(slug)
    assert found is not None
    return found


def allows(host: str, hosts: tuple[str, ...]) -> bool:
    return any(host.endswith(h[1:]) if h.startswith("*.") else host == h for h in hosts)


#: Hosts of a provider's API, and hosts below the same domain that are not.
HOSTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "elevenlabs": (
        ("api.elevenlabs.io", "api.eu.residency.elevenlabs.io"),
        ("elevenlabs.io", "eu.residency.elevenlabs.io", "x.residency.elevenlabs.io"),
    ),
    "google": (
        ("www.googleapis.com", "people.googleapis.com", "storage.googleapis.com"),
        (
            "googleapis.com",
            "bucket.storage.googleapis.com",
            "commondatastorage.googleapis.com",
            "fonts.googleapis.com",
            "mine.p.googleapis.com",
        ),
    ),
    "mailchimp": (
        ("us21.api.mailchimp.com",),
        ("mailchimp.com", "us21.admin.mailchimp.com", "status.mailchimp.com"),
    ),
    "pinecone": (
        ("api.pinecone.io",),
        ("www.pinecone.io", "status.pinecone.io", "theirs-1a2b3c.svc.us-west1-gcp.pinecone.io"),
    ),
    "pipedrive": (
        ("api.pipedrive.com",),
        ("www.pipedrive.com", "status.pipedrive.com", "theirs.pipedrive.com"),
    ),
    "qdrant": ((), ("cloud.qdrant.io", "theirs.eu-central.aws.cloud.qdrant.io")),
    "shopify": ((), ("myshopify.com", "theirs.myshopify.com", "www.shopify.com")),
}
#: The only patterns: each documents that all hosts below it are the provider's API.
PATTERNS = {"mailchimp": ("*.api.mailchimp.com",)}


@pytest.mark.parametrize("slug", sorted(REQUIRED))
def test_the_platforms_own_providers_are_as_documented(slug: str) -> None:
    variables, companions, header, base_url = REQUIRED[slug]
    provider = known(slug)
    assert provider.variables == variables
    assert provider.companions == companions
    assert provider.header == header
    assert provider.base_url == base_url


def test_only_telegram_has_the_token_in_the_path() -> None:
    in_path = {slug: known(slug).path for slug in PROVIDERS if known(slug).path}
    assert in_path == {"telegram": ("/bot{token}", "/file/bot{token}")}


def test_keys_with_a_known_prefix_are_not_bearer_tokens() -> None:
    prefixes = {slug: known(slug).key_prefix for slug in PROVIDERS if known(slug).key_prefix}
    assert prefixes == {"clickup": "pk_", "linear": "lin_api_"}

    assert known("linear").header_template("lin_api_1") == "{token}"
    assert known("linear").header_template("lin_oauth_1") == "Bearer {token}"
    assert known("assemblyai").header_template("anything") == "{token}"


def test_basic_authentication_of_providers() -> None:
    basic = {slug: known(slug).basic for slug in PROVIDERS if known(slug).basic}
    assert basic == {"mailchimp": "anystring:{token}", "mailgun": "api:{token}"}


def test_version_headers_are_sent_by_default() -> None:
    assert known("anthropic").extra_headers == {"anthropic-version": "2023-06-01"}
    assert known("notion").extra_headers == {"Notion-Version": "2022-06-28"}
    assert known("openai").extra_headers == {}


def test_google_slugs_differ_in_the_hosts_that_may_get_the_token() -> None:
    assert known("gmail").hosts == ("gmail.googleapis.com", "www.googleapis.com")
    assert {"sheets.googleapis.com", "people.googleapis.com"} < set(known("google").hosts)
    assert known("googledrive").hosts == ("www.googleapis.com",)


def test_catalog_has_the_most_used_providers() -> None:
    assert len(PROVIDERS) >= 64
    assert set(REQUIRED) <= set(PROVIDERS)


@every_slug
def test_a_row_names_its_provider(slug: str) -> None:
    provider = known(slug)
    assert provider.slug == slug
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug)
    assert provider.name == provider.name.strip() != ""
    assert re.fullmatch(r"[a-z]+", provider.category)
    docs = urlsplit(provider.docs_url)
    assert docs.scheme == "https"
    assert HOST.fullmatch(docs.netloc)


@every_slug
def test_a_row_names_its_variables(slug: str) -> None:
    provider = known(slug)
    names = [*provider.variables, *provider.companions]
    assert all(VARIABLE.fullmatch(name) for name in names)
    assert len(set(names)) == len(names)
    assert provider.env_vars == (*provider.variables, *provider.companions)
    assert not any(name.startswith("VENDO_") for name in names)


@every_slug
def test_row_lists_the_hosts_that_may_get_the_credential(slug: str) -> None:
    provider = known(slug)
    assert len(set(provider.hosts)) == len(provider.hosts)
    assert all(HOST.fullmatch(host) for host in provider.hosts)
    assert all(host.count(".") >= 2 for host in provider.hosts if host.startswith("*."))


@pytest.mark.parametrize("slug", sorted(HOSTS))
def test_only_hosts_of_the_api_get_the_credential(slug: str) -> None:
    of_api, others = HOSTS[slug]
    policy = Policy(slug)
    assert [host for host in of_api if not policy.allows(f"https://{host}/")] == []
    for host in others:
        with pytest.raises(vendo.ValidationError) as caught:
            policy.admit(f"https://{host}/")
        assert f"session({slug!r}, hosts=[{host!r}])" in str(caught.value)
        assert Policy(slug, hosts=[host]).allows(f"https://{host}/")


def test_patterns_of_hosts_are_known() -> None:
    patterns = {
        slug: found
        for slug in PROVIDERS
        if (found := tuple(host for host in known(slug).hosts if "*" in host))
    }
    assert patterns == PATTERNS


@every_slug
def test_a_relative_url_resolves_to_a_listed_host(slug: str) -> None:
    provider = known(slug)
    if provider.base_url is None:
        assert all(host.startswith("*.") for host in provider.hosts)
        return
    assert provider.hosts
    url = urlsplit(provider.base_url)
    assert url.scheme == "https"
    assert allows(url.netloc, provider.hosts)
    assert not provider.base_url.endswith("/")
    assert not url.query
    assert not url.fragment


@every_slug
def test_a_row_places_the_credential_in_one_way(slug: str) -> None:
    provider = known(slug)
    name, template = provider.header
    assert HEADER_NAME.fullmatch(name)
    templates = [template, *provider.path]
    if provider.basic is not None:
        assert provider.basic.count(":") == 1
        templates.append(provider.basic)
    assert all(t.count("{token}") == 1 for t in templates)
    assert all(t.replace("{token}", "").isascii() for t in templates)
    assert not any(set("{}\r\n") & set(t.replace("{token}", "")) for t in templates)
    assert all(part.startswith("/") for part in provider.path)
    assert sum(key in PROVIDERS[slug] for key in ("header", "basic", "path")) <= 1


@every_slug
def test_default_headers_do_not_touch_the_credential(slug: str) -> None:
    provider = known(slug)
    names = [name.lower() for name in provider.extra_headers]
    assert provider.header[0].lower() not in names
    assert "authorization" not in names
    assert all(HEADER_NAME.fullmatch(name) for name in names)
    assert all(value.isprintable() and value for value in provider.extra_headers.values())


def test_no_variable_holds_the_credential_of_two_providers() -> None:
    owner: dict[str, str] = {}
    for slug in PROVIDERS:
        for variable in (*known(slug).variables, *known(slug).companions):
            assert owner.setdefault(variable, slug) == slug


def test_the_rows_are_in_alphabetical_order() -> None:
    assert list(PROVIDERS) == sorted(PROVIDERS)
    assert catalog.slugs() == tuple(PROVIDERS)


def test_slug_type_lists_exactly_the_catalogs_slugs() -> None:
    assert get_args(Slug) == catalog.slugs()


def test_env_vars_gives_the_conventional_variable_and_its_companions() -> None:
    assert catalog.env_vars("slack") == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]
    assert catalog.env_vars("notion") == ["NOTION_TOKEN", "NOTION_API_TOKEN"]
    assert catalog.env_vars("no-such-provider") == []


def test_env_vars_returns_a_new_list() -> None:
    catalog.env_vars("slack").clear()
    assert catalog.env_vars("slack") == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]


def test_an_unknown_slug_has_no_provider() -> None:
    assert catalog.provider("no-such-provider") is None
    assert catalog.provider("") is None


def test_a_provider_is_built_once() -> None:
    assert catalog.provider("openai") is catalog.provider("openai")


def test_a_provider_cannot_be_changed() -> None:
    provider: Any = known("anthropic")
    before = provider.as_dict()
    with pytest.raises(AttributeError, match="cannot be changed"):
        provider.hosts = ("evil.example.com",)
    with pytest.raises(AttributeError, match="cannot be changed"):
        provider.extra = 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        del provider.hosts
    with pytest.raises(TypeError):
        provider.extra_headers["anthropic-version"] = "2030-01-01"
    provider.as_dict()["hosts"].append("evil.example.com")
    assert provider.as_dict() == before
    assert not hasattr(provider, "__dict__")


def test_providers_compare_by_value() -> None:
    row = PROVIDERS["openai"]
    assert Provider("openai", row) == known("openai")
    assert hash(Provider("openai", row)) == hash(known("openai"))
    assert Provider("openai", row) != Provider("openai-eu", row)
    assert Provider("openai", row) != Provider("openai", PROVIDERS["groq"])
    assert known("openai") != "openai"


@every_slug
def test_a_provider_survives_pickling_and_copying(slug: str) -> None:
    provider = known(slug)
    for twin in (
        pickle.loads(pickle.dumps(provider)),
        copy.copy(provider),
        copy.deepcopy(provider),
    ):
        assert twin == provider
        assert twin.as_dict() == provider.as_dict()


@every_slug
def test_as_dict_survives_json(slug: str) -> None:
    fields = known(slug).as_dict()
    assert json.loads(json.dumps(fields)) == fields
    assert set(fields) == {*Provider.__slots__, "recipe"} - {"_row"}


def test_repr_names_the_slug() -> None:
    assert repr(known("openai")) == "<Provider 'openai'>"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("opnai", "openai"),
        ("opneai", "openai"),
        ("gihub", "github"),
        ("GMail ", "gmail"),
        ("Google Drive", "googledrive"),
        ("google_drive", "googledrive"),
        ("Hugging Face", "huggingface"),
        ("OPENAI_API_KEY", "openai"),
        ("gh_token", "github"),
        ("slack_signing_secret", "slack"),
        ("telegarm", "telegram"),
        ("strpe", "stripe"),
        ("openai", "openai"),
    ],
)
def test_misspelt_word_finds_its_slug(typed: str, meant: str) -> None:
    assert catalog.nearest(typed) == meant


@pytest.mark.parametrize("typed", ["", " ", "---", "mytool", "weather", "jira", "openai" * 50])
def test_nothing_is_suggested_for_a_different_word(typed: str) -> None:
    assert catalog.nearest(typed) is None


@given(st.text(max_size=200))
@example("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" * 80)
@example("\ud800")
def test_nearest_gives_a_known_slug_or_none(text: str) -> None:
    assert catalog.nearest(text) in {None, *PROVIDERS}


@given(
    st.sampled_from(sorted(slug for slug in PROVIDERS if len(slug) >= 5)),
    st.integers(min_value=0, max_value=40),
    st.booleans(),
)
def test_slug_with_one_missing_letter_is_found(slug: str, where: int, upper: bool) -> None:
    where %= len(slug)
    typed = slug[:where] + slug[where + 1 :]
    assert catalog.nearest(f" {typed.upper() if upper else typed}\n") == slug


def test_importing_the_catalog_imports_nothing_costly() -> None:
    root = str(Path(vendo.__file__).parent.parent)
    program = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]);"
        "from vendo._catalog import catalog; catalog.provider('openai'); catalog.env_vars('slack');"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", program, root],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = done.stdout.split()
    assert "vendo._catalog.catalog" in imported
    costly = {"typing", "re", "json", "dataclasses", "difflib", "collections", "logging", "enum"}
    assert not costly.intersection(imported)
