"""Template tags: connection status, connect links, and listed tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, RequestContext, Template
from django.test import Client, RequestFactory, override_settings

from vendo.errors import NotConnected, ValidationError

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

JWT = {"X-Vendo-User-JWT": "user.one.jwt"}


def render(source: str, request: Any = None) -> str:
    context = Context() if request is None else RequestContext(request)
    return Template("{% load vendo %}" + source).render(context)


def test_a_listed_token_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_TOKEN_MAPBOX", "pk.<public>")
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["MapBox"]}):
        assert render("{% vendo_token 'mapbox' %}") == "pk.&lt;public&gt;"


@pytest.mark.parametrize("setting", [None, {}, {"TEMPLATE_TOKENS": ["mapbox"]}])
def test_an_unlisted_token_is_not_printed(
    setting: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    with (
        override_settings(VENDO=setting),
        pytest.raises(ImproperlyConfigured, match="TEMPLATE_TOKENS") as caught,
    ):
        render("{% vendo_token 'openai' %}")
    assert "canary" not in str(caught.value)


def test_a_listed_token_that_is_missing_is_an_error() -> None:
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["mapbox"]}), pytest.raises(NotConnected):
        render("{% vendo_token 'mapbox' %}")


def test_a_page_makes_one_request_for_all_providers(vendo_mode: LocalVendo) -> None:
    source = (
        "{% vendo_connected 'Gmail' as gmail %}{% vendo_connected 'slack' as slack %}"
        "{{ gmail }} {{ slack }}"
    )
    vendo_mode.clear_requests()

    assert render(source, RequestFactory().get("/")) == "True False"
    assert vendo_mode.count("api") == 1


def test_a_page_requests_its_users_connections(vendo_mode: LocalVendo) -> None:
    render("{% vendo_connected 'gmail' %}", RequestFactory().get("/", headers=JWT))

    assert vendo_mode.requests[-1].headers["x-vendo-user-jwt"] == "user.one.jwt"


def test_a_page_is_shown_while_vendo_is_away(
    vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    vendo_mode.fail("api", status=400, times=None)
    source = "{% vendo_connected 'gmail' %} {% vendo_connected 'slack' %} the rest"
    assert render(source, RequestFactory().get("/")) == "False False the rest"
    assert [record.levelname for record in caplog.records] == ["ERROR"]

    for setting in ({"API_KEY": "can ary"}, {"BASE_URL": "http://canary.example.com"}):
        with override_settings(VENDO=setting):
            assert render("{% vendo_connected 'gmail' %}") == "False"
    assert "API_KEY" in caplog.text
    assert "can ary" not in caplog.text


def test_a_template_without_a_request_knows_what_is_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")

    assert render("{% vendo_connected 'openai' %}{% vendo_connected 'slack' %}") == "TrueFalse"


def test_a_connect_link_returns_to_the_page_and_contains_no_key(vendo_mode: LocalVendo) -> None:
    link = render("{% vendo_connect_url 'Gmail' %}", RequestFactory().get("/inbox/?a=b"))

    assert link == "/api/vendo/connect/gmail/?next=%2Finbox%2F%3Fa%3Db"
    assert render("{% vendo_connect_url 'gmail' %}") == "/api/vendo/connect/gmail/"


def test_a_button_names_the_provider(vendo_mode: LocalVendo) -> None:
    page = Client().get("/page/").content.decode()

    assert "Connect Gmail" in page
    assert 'href="/api/vendo/connect/gmail/?next=%2Fpage%2F"' in page
    assert 'class="vendo-connect"' in page
    assert vendo_mode.api_key not in page


def test_a_button_may_have_its_own_text() -> None:
    button = "{% with label='Go' %}{% vendo_connect_button 'gmail' label %}{% endwith %}"
    assert ">Go</a>" in render(button)
    assert ">Connect in-house</a>" in render("{% vendo_connect_button 'in-house' %}")


def test_without_the_views_the_error_says_what_to_add() -> None:
    with (
        override_settings(ROOT_URLCONF="django_adapter.bare_urls"),
        pytest.raises(ImproperlyConfigured, match=r"vendo_django\.urls"),
    ):
        Client().get("/page/")


@pytest.mark.parametrize("slug", ["''", "None", "undefined", "'my tool'", "5"])
@pytest.mark.parametrize("tag", ["vendo_connect_button", "vendo_connect_url"])
def test_a_link_for_what_is_no_slug_is_an_error_about_the_slug(tag: str, slug: str) -> None:
    with pytest.raises(ValidationError, match="A slug is made of"):
        render(f"{{% {tag} {slug} %}}")
