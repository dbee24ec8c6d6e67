"""The recipe of each provider in the catalog is a section of docs/provider-sdks.md."""

from __future__ import annotations

import re

import pytest

from manual.blocks import ROOT
from vendo._catalog import catalog

PROVIDERS = [row for row in map(catalog.provider, catalog.slugs()) if row is not None]


def anchors(page: str) -> set[str]:
    """Return the anchors of the sections of a page, as the manual's site makes them."""
    headings: list[str] = re.findall(r"^## (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_each_recipe_is_a_section_of_the_page() -> None:
    page = (ROOT / "docs" / "provider-sdks.md").read_text(encoding="utf-8")
    named = {provider.recipe.partition("#")[2] for provider in PROVIDERS}
    assert named <= anchors(page)


def test_recipes_are_on_a_page_of_the_manual() -> None:
    [page] = {provider.recipe.partition("#")[0] for provider in PROVIDERS}
    assert (ROOT / page).is_file()


@pytest.mark.parametrize(
    ("slug", "anchor"),
    [
        ("openai", "openai"),
        ("anthropic", "anthropic"),
        ("stripe", "stripe"),
        ("slack", "slack_sdk-and-bolt"),
        ("github", "pygithub"),
        ("notion", "notion-client"),
        ("gmail", "google-api-python-client"),
        ("google", "google-api-python-client"),
        ("googlecalendar", "google-api-python-client"),
        ("googledocs", "google-api-python-client"),
        ("googledrive", "google-api-python-client"),
        ("googlesheets", "google-api-python-client"),
        ("youtube", "google-api-python-client"),
        ("telegram", "python-telegram-bot"),
        ("huggingface", "huggingface_hub"),
        ("gemini", "any-sdk-on-requests-httpx-or-aiohttp"),
        ("linear", "any-sdk-on-requests-httpx-or-aiohttp"),
    ],
)
def test_provider_has_the_recipe_of_its_package(slug: str, anchor: str) -> None:
    provider = catalog.provider(slug)
    assert provider
    assert provider.recipe.partition("#")[2] == anchor
    assert provider.as_dict()["recipe"] == provider.recipe


def test_anchors_are_those_of_the_site() -> None:
    page = "## slack_sdk and Bolt\n### x\n## Any SDK on requests, httpx or aiohttp\n"
    assert anchors(page) == {"slack_sdk-and-bolt", "any-sdk-on-requests-httpx-or-aiohttp"}
