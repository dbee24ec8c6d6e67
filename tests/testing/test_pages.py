from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from testing.local_http import EventReader, Response, send, with_key
from vendo.testing import LocalVendo

VOID = {"meta", "link", "input"}
BACK = "http://localhost:8000/back"


class Page(HTMLParser):
    """A parsed page that is well formed."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.buttons: list[str] = []
        self.action = ""
        self.style = ""
        self.script = ""
        self.report: dict[str, str] = {}
        self.feed(response.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        assert not [name for name in named if name.startswith("on") or name == "style"]
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "input":
            self.fields[named["name"]] = named["value"]
        if tag == "a":
            self.links.append(named["href"])
        if "data-message" in named:
            self.report = named
        if tag == "button" and "value" in named:
            self.buttons.append(named["value"])
        if tag == "form" and named["method"] == "get":
            assert named["action"] == "/"
        elif tag == "form":
            assert named["method"] == "post"
            self.action = named["action"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
        elif self.open[-1:] == ["script"]:
            self.script += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def link(server: LocalVendo, slug: str = "stripe", **query: str) -> str:
    parameters = {"app_key": server.api_key, **query}
    return f"{server.url}/connections/connect/{slug}?{urlencode(parameters)}"


def decide(server: LocalVendo, page: Page, decision: str, **headers: str) -> Response:
    form = urlencode({**page.fields, "decision": decision})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Content-Type"] = "application/x-www-form-urlencoded"
    return send(server.url + page.action, "POST", named, form)


def is_connected(server: LocalVendo, slug: str = "stripe") -> bool:
    return with_key(server, f"/credentials/{slug}").status == 200


def test_user_connects_a_provider_and_is_redirected_back(server: LocalVendo) -> None:
    page = Page(send(link(server, return_to=f"{BACK}?a=1#part", state="s t&=ü\n")))
    assert page.buttons == ["connect", "deny"]
    assert "Stripe" in page.text
    assert "localhost:8000" in page.text
    with EventReader(server) as reader:
        response = decide(server, page, "connect")
        name, data = reader.events(1)[0]
    assert (name, data["slug"]) == ("connection.connected", "stripe")
    assert response.status == 303
    target = urlsplit(response.headers["Location"])
    assert (target.netloc, target.path, target.fragment) == ("localhost:8000", "/back", "part")
    assert parse_qs(target.query) == {
        "a": ["1"], "state": ["s t&=ü\n"], "status": ["connected"], "slug": ["stripe"],
    }  # fmt: skip
    assert is_connected(server)


def test_user_denies(server: LocalVendo) -> None:
    response = decide(server, Page(send(link(server, return_to=BACK))), "deny")
    assert response.headers["Location"] == f"{BACK}?status=refused&slug=stripe"
    assert not is_connected(server)


@pytest.mark.parametrize(
    ("decision", "text"), [("connect", "is connected"), ("deny", "was not connected")]
)
def test_page_without_return_to_shows_the_result(
    server: LocalVendo, decision: str, text: str
) -> None:
    page = Page(decide(server, Page(send(link(server))), decision))
    assert text in page.text
    assert "close this page" in page.text


def test_reauthorization_repairs_a_connection_and_keeps_its_options(server: LocalVendo) -> None:
    server.connect("stripe", lifetime=None, token="first", exclusive=True)
    server.set_status("stripe", "needs_reauth")
    decide(server, Page(send(link(server))), "connect")
    token = with_key(server, "/credentials/stripe").json
    assert token["expires_at"] is None
    assert token["access_token"] != "first"
    rows = with_key(server, "/api/deployments/me/connections").json["connections"]
    assert [row["slug"] for row in rows if row["exclusive"]] == ["stripe"]


def test_connection_key_opens_only_its_page(server: LocalVendo) -> None:
    key = server.connection_key("gmail")
    assert send(f"{server.url}/connections/connect/gmail?app_key={key}").status == 200
    assert send(f"{server.url}/connections/connect/slack?app_key={key}").status == 403


@pytest.mark.parametrize(
    "return_to",
    ["http://localhost:1/x", "http://127.0.0.1/", "http://[::1]:8000/", "https://app.example.com/a?b=c"],
)  # fmt: skip
def test_valid_return_to_is_accepted(server: LocalVendo, return_to: str) -> None:
    response = send(link(server, return_to=return_to))
    assert response.status == 200
    policy = response.headers["Content-Security-Policy"]
    origin = "http:" if "[" in return_to else "/".join(return_to.split("/")[:3])
    assert f"form-action 'self' {origin};" in policy


@pytest.mark.parametrize(
    "return_to",
    ["javascript:alert(1)", "http://app.example.com/", "//app.example.com", "/relative", "data:,x",
     "https://", "https:///x", "https://user@app.example.com/", "https://app.example.com:x/",
     "https://app.example.com/\r\nX: y", "https://app.example.com\\@evil.example.com", "http://[::1",
     "https://é.example.com/", "https://a.example.com;script-src *", "https://a.example.com, b"],
)  # fmt: skip
def test_invalid_return_to_is_rejected(server: LocalVendo, return_to: str) -> None:
    response = send(link(server, return_to=return_to))
    assert response.status == 400
    assert "return_to" in Page(response).text


def test_link_needs_a_valid_app_key(server: LocalVendo) -> None:
    path = f"{server.url}/connections/connect/stripe"
    assert send(path).status == 400
    assert send(f"{path}?app_key=vendo_sk_other").status == 401
    server.revoke_key()
    rejected = send(link(server))
    assert rejected.status == 401
    assert server.api_key not in rejected.text


@pytest.mark.parametrize("slug", ["", "GMAIL", "a%20b", "%3Cscript%3E", "a/b", ".."])
def test_link_needs_a_slug(server: LocalVendo, slug: str) -> None:
    response = send(f"{server.url}/connections/connect/{slug}?app_key={server.api_key}")
    assert response.status == 400
    Page(response)


@pytest.mark.parametrize(
    ("slug", "hint"), [("gmial", "Did you mean 'gmail'?"), ("in-house", "server.connect()")]
)
def test_unknown_provider_is_not_found(server: LocalVendo, slug: str, hint: str) -> None:
    for method in ("GET", "POST"):
        response = send(link(server, slug), method)
        assert response.status == 404
        assert f"There is no provider '{slug}'. " in Page(response).text
        assert hint in Page(response).text
    assert slug not in [row.slug for row in server.client().connections.list()]


def test_page_of_a_slug_outside_the_catalog_works_once_it_was_connected(server: LocalVendo) -> None:
    server.connect("in-house")
    server.disconnect("in-house")
    decide(server, Page(send(link(server, "in-house"))), "connect")
    assert is_connected(server, "in-house")
    with LocalVendo({"mytool": {"status": "available"}}) as other:
        assert send(link(other, "mytool")).status == 200


@pytest.mark.parametrize(
    ("referer", "target"),
    [
        (None, "*"),
        ("https://app.example.com/a?b=c", "https://app.example.com"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("about:blank", "*"),
        ("http://[::1", "*"),
    ],
)
def test_page_reports_a_connection_to_the_site_it_was_opened_from(
    server: LocalVendo, referer: str | None, target: str
) -> None:
    headers = {} if referer is None else {"Referer": referer}
    response = decide(server, Page(send(link(server, state='a"<b'), headers=headers)), "connect")
    page = Page(response)
    assert page.report["data-opener"] == target
    rows = {row.slug: row for row in server.client().connections.list()}
    assert json.loads(page.report["data-message"]) == {
        "type": "vendo:connection-completed",
        "connectionId": rows["stripe"].id,
        "slug": "stripe",
        "state": 'a"<b',
    }
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in response.headers["Content-Security-Policy"]


def test_denied_connection_is_not_reported(server: LocalVendo) -> None:
    response = decide(server, Page(send(link(server))), "deny")
    assert "script" not in Page(response).tags
    assert "script-src" not in response.headers["Content-Security-Policy"]


def test_page_has_no_app_key(server: LocalVendo) -> None:
    assert server.api_key not in send(link(server, return_to=BACK, state="x")).text


def test_link_parameters_are_escaped(server: LocalVendo) -> None:
    evil = '"><script>alert(1)</script>'
    response = send(link(server, state=evil, return_to=f"https://a.example.com/?{quote(evil)}"))
    page = Page(response)
    assert "script" not in page.tags
    target = decide(server, page, "connect").headers["Location"]
    assert parse_qs(urlsplit(target).query)["state"] == [evil]


@pytest.mark.parametrize("field", ["ticket", "visit"])
def test_forged_form_is_rejected(server: LocalVendo, field: str) -> None:
    page = Page(send(link(server, return_to=BACK)))
    page.fields[field] = "Zm9yZ2Vk"
    response = decide(server, page, "connect")
    assert response.status == 403
    Page(response)
    assert not is_connected(server)


def test_form_is_valid_only_for_its_provider(server: LocalVendo) -> None:
    page = Page(send(link(server)))
    page.action = "/connections/connect/github"
    assert decide(server, page, "connect").status == 403


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
     {"Sec_Fetch_Site": "same-site"}, {"Origin": "http://[::1"}],
)  # fmt: skip
def test_form_from_another_site_is_rejected(server: LocalVendo, headers: dict[str, str]) -> None:
    assert decide(server, Page(send(link(server))), "connect", **headers).status == 403
    assert not is_connected(server)


def test_form_from_this_site_is_accepted(server: LocalVendo) -> None:
    page = Page(send(link(server)))
    named = server.url.replace("127.0.0.1", "localhost")
    host = urlsplit(named).netloc
    response = decide(
        server, page, "connect", Origin=named, Host=host, Sec_Fetch_Site="same-origin"
    )
    assert response.status == 200


@pytest.mark.parametrize("decision", ["", "maybe"])
def test_unknown_decision_is_rejected(server: LocalVendo, decision: str) -> None:
    assert decide(server, Page(send(link(server))), decision).status == 400


def test_index_lists_connections_and_other_providers(server: LocalVendo) -> None:
    server.set_status("slack", "needs_reauth")
    page = Page(send(f"{server.url}/"))
    for text in ("Gmail", "Slack", "needs reauth", "5.00 USD"):
        assert text in page.text
    assert server.api_key not in page.text
    to_stripe = next(href for href in page.links if "/stripe?" in href)
    decide(server, Page(send(to_stripe)), "connect")
    assert is_connected(server)
    assert any("/slack?" in href for href in page.links)
    assert not any("/gmail?" in href for href in page.links)


def test_index_offers_a_slug_of_the_test_again(server: LocalVendo) -> None:
    server.connect("in-house")
    server.disconnect("in-house")
    page = Page(send(f"{server.url}/"))
    to_in_house = next(href for href in page.links if "/in-house?" in href)
    decide(server, Page(send(to_in_house)), "connect")
    assert is_connected(server, "in-house")


def test_index_without_connections(server: LocalVendo) -> None:
    for slug in ("gmail", "openai", "telegram", "slack"):
        server.disconnect(slug)
    assert "Nothing is connected yet." in Page(send(server.url)).text


@pytest.mark.parametrize(
    ("query", "found", "hidden"),
    [
        ("DRIVE", "googledrive", "stripe"),  # a name
        ("hugging face", "huggingface", "openrouter"),  # both words
        ("googledr", "googledrive", "googledocs"),  # a slug
        ("payments", "stripe", "github"),  # a category
        ("crm", "hubspot", "github"),
        ("in-ho", "in-house", "stripe"),  # a slug of the test
        ("  stripe ", "stripe", "github"),
    ],
)
def test_index_has_a_filter(server: LocalVendo, query: str, found: str, hidden: str) -> None:
    server.connect("in-house")
    server.disconnect("in-house")
    page = Page(send(f"{server.url}/?{urlencode({'q': query})}"))
    assert any(f"/{found}?" in link for link in page.links)
    assert not any(f"/{hidden}?" in link for link in page.links)
    assert page.fields["q"] == query
    assert "/" in page.links[1:]  # to show all


def test_filter_shows_how_many_connected_and_other_providers_match(server: LocalVendo) -> None:
    total = len(server.client().connections.list())
    page = Page(send(f"{server.url}/?q=gmail"))
    assert f"1 of {total} providers matches  gmail . " in page.text
    assert "connected" in page.texts
    assert "Balance" not in page.texts
    assert "Connect a provider" not in page.text
    page = Page(send(f"{server.url}/?q=nothing-like-it"))
    assert f"0 of {total} providers match  nothing-like-it . " in page.text
    assert "Nothing is connected yet." not in page.text


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?other=gmail"])
def test_index_without_a_filter_lists_all(server: LocalVendo, query: str) -> None:
    page = Page(send(f"{server.url}/{query}"))
    assert "Show all" not in page.text
    rows = {row.slug for row in server.client().connections.list()}
    connected = {row.slug for row in server.client().connections.list() if row.is_connected}
    offered = {urlsplit(link).path.rpartition("/")[2] for link in page.links[1:]}
    assert offered == rows - connected


def test_filter_is_escaped(server: LocalVendo) -> None:
    evil = '"><script>alert(1)</script>'
    page = Page(send(f"{server.url}/?q={quote(evil)}"))
    assert "script" not in page.tags
    assert page.fields["q"] == evil


def test_index_has_names_slugs_and_categories(server: LocalVendo) -> None:
    server.connect("in-house")
    server.disconnect("in-house")
    page = Page(send(server.url))
    headings = [text for text in page.texts if text in {"AI", "CRM", "Payments", "Storage"}]
    assert headings == ["AI", "CRM", "Payments", "Storage"]
    for text in ("Google Drive", "googledrive", "Gmail", "gmail"):
        assert text in page.texts or f"{text} " in page.texts
    assert page.texts[-2:] == ["Connect ", "in-house"]
    assert page.texts[-3] == "Not in the catalog"


def test_pages_support_head_and_send_allow(server: LocalVendo) -> None:
    for url in (f"{server.url}/", link(server)):
        head = send(url, "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["Content-Length"]) == len(send(url).body)
    response = send(f"{server.url}/", "POST")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    response = send(link(server), "DELETE")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_pages_are_complete_and_load_nothing(server: LocalVendo) -> None:
    for url in (
        f"{server.url}/",
        link(server, return_to=BACK),
        f"{server.url}/connections/connect/",
    ):
        response = send(url)
        page = Page(response)
        assert response.text.startswith('<!doctype html><html lang="en">')
        assert 'name="viewport"' in response.text
        assert page.tags.count("main") == page.tags.count("h1") == page.tags.count("title") == 1
        assert not {"script", "img", "iframe", "object", "svg"} & set(page.tags)
        policy = response.headers["Content-Security-Policy"]
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"


def luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_contrast_in_light_and_dark(server: LocalVendo) -> None:
    style = Page(send(server.url)).style
    themes = re.findall(r":root\{([^}]*)\}", style)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([a-z-]+):#([0-9a-f]{3,6})", theme))
        for text, ground in [
            ("text", "ground"), ("soft", "ground"), ("text", "card"), ("soft", "card"),
            ("accent", "card"), ("accent", "tint"), ("on-accent", "accent"),
            ("good", "good-tint"), ("warn", "warn-tint"),
        ]:  # fmt: skip
            low, high = sorted([luminance(colours[text]), luminance(colours[ground])])
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)
