"""The page that a browser gets for an error."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendo import errors, web


def page_of(error: errors.VendoError, link: str | None = None, **how: object) -> web.ErrorPage:
    return web.error_page(error, web.error_response(error, connect_url=link), **how)  # type: ignore[arg-type]


@given(st.text(), st.text(), st.text())
def test_no_text_becomes_markup(message: str, link: str, slug: str) -> None:
    error = errors.NeedsReauth("c", message, slug=slug or None, suggested_fix=message)
    document = page_of(error, link or None, debug=True).html()
    tags = {tag.partition(" ")[0] for tag in re.findall(r"<(/?\w[^>]*)>", document)}
    assert tags <= {
        "html", "/html", "head", "/head", "meta", "title", "/title", "style", "/style",
        "body", "/body", "main", "/main", "h1", "/h1", "p", "/p", "a", "/a",
    }  # fmt: skip
    assert document.count('"') % 2 == 0


def test_a_button_names_the_provider() -> None:
    error = errors.NotConnected("binding_missing", "m", slug="gmail")
    page = page_of(error, "/connect/gmail/?next=%2F")
    assert page.name == "Gmail"
    assert "Connect Gmail</a>" in page.html()
    assert html.escape("/connect/gmail/?next=%2F") in page.html()


@pytest.mark.parametrize("debug", [True, False])
def test_only_developers_read_what_developers_can_do(debug: bool) -> None:
    for error in (
        errors.NotConnected("binding_missing", "m", slug="gmail", suggested_fix="Set GMAIL."),
        errors.VendoOnlyFeature("vendo_only_feature", "m", suggested_fix="Set GMAIL."),
        errors.UpstreamError("upstream_error", "m", suggested_fix="Set GMAIL."),
    ):
        assert ("GMAIL" in page_of(error, debug=debug).html()) is debug


@pytest.mark.parametrize(
    ("query", "is_denied"),
    [
        ("vendo_connect=denied&slug=gmail", True),
        ("a=b&vendo_connect=denied&slug=GMAIL", True),
        ("vendo_connect=denied&slug=slack", False),
        ("vendo_connect=other&slug=gmail", False),
        ("slug=gmail", False),
        ("", False),
    ],
)
def test_a_page_says_that_the_user_denied_this_provider(query: str, is_denied: bool) -> None:
    error = errors.NotConnected("binding_missing", "m", slug="gmail")
    assert ("You did not connect" in page_of(error, query=query).text) is is_denied


def test_a_template_gets_a_text_for_each_name() -> None:
    context = page_of(errors.UpstreamError("upstream_error", "Down.")).context()
    assert context["hint"] == context["slug"] == context["connect_url"] == ""
    assert (context["status"], context["text"]) == (502, "Down.")
