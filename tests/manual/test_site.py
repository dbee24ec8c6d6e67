"""The manual's site builds without warnings, and all of its links work."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import element_to_be_clickable

import vendo
from manual.blocks import ROOT, blocks
from support.looks import barriers, emulate, foreign_assets, scrolls_sideways
from support.user import waiting
from vendo._catalog import catalog
from vendo._catalog.data import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

#: The base address while links are checked.
BASE = "site:///"

PACKAGES = [
    *("vendo", "vendo.aio", "vendo.deployment", "vendo.errors", "vendo.reconciler", "vendo.sso"),
    *("vendo.testing", "vendo.web"),
    *sorted(module.name for module in pkgutil.iter_modules() if module.name.startswith("vendo_")),
]


class Page(HTMLParser):
    """The links, assets and ids of a page of the site."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.assets: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if "id" in named:
            self.ids.add(named["id"])
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        elif tag == "link" and named.get("rel") not in {"canonical", "prev", "next"}:
            self.assets.append(named["href"])
        elif "src" in named:
            self.assets.append(named["src"])


@dataclass(frozen=True)
class Site:
    """A built site."""

    folder: Path
    output: str
    pages: dict[str, Page] = field(default_factory=dict)

    def at(self, address: str) -> Path:
        """Return the file that a server returns for an address of the site."""
        path = self.folder / unquote(urlsplit(address).path).lstrip("/")
        return path / "index.html" if path.is_dir() else path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Build the site in its own folder."""
    folder = tmp_path_factory.mktemp("manual")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copy(ROOT / "CHANGELOG.md", folder)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    done = Site(folder / "site", built.stdout + built.stderr)
    for path in sorted(done.folder.rglob("*.html")):
        done.pages[path.relative_to(done.folder).as_posix()] = Page(path)
    return done


def test_the_site_builds_without_warnings(site: Site) -> None:
    assert "No issues found" in site.output
    # A strict build ignores warnings from the docstring parsers.
    assert not re.search(r"griffe|mkdocstrings|warning|error", site.output, re.IGNORECASE), (
        site.output
    )


def test_every_link_in_the_site_works(site: Site) -> None:
    dead = []
    for name, page in site.pages.items():
        if name == "404.html":  # it has addresses of the published site
            continue
        for link in page.links + page.assets:
            target = urljoin(BASE + name, link)
            if not target.startswith(BASE):
                continue
            path, fragment = site.at(target), unquote(urlsplit(target).fragment)
            relative = path.relative_to(site.folder).as_posix()
            known = site.pages[relative].ids if relative in site.pages else {fragment}
            if not path.is_file() or (fragment and fragment not in known):
                dead.append(f"{name}: {link}")
    assert dead == []


def test_external_links_use_https(site: Site) -> None:
    schemes = {
        urlsplit(link).scheme for page in site.pages.values() for link in page.links + page.assets
    }
    assert schemes <= {"", "https", "mailto", "data"}


def test_no_page_loads_assets_from_another_host(site: Site) -> None:
    foreign = [
        f"{name}: {asset}"
        for name, page in site.pages.items()
        for asset in page.assets
        if urlsplit(asset).netloc
    ]
    styles = [
        f"{path.name}: {found}"
        for path in site.folder.rglob("*.css")
        for found in re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", path.read_text())
    ]
    assert foreign + styles == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(site: Site, package: str) -> None:
    ids: set[str] = set()
    ids.update(*(page.ids for name, page in site.pages.items() if name.startswith("reference/")))
    module = importlib.import_module(package)
    missing = [
        name
        for name in module.__all__
        if not ids & {f"{package}.{name}", f"vendo.errors.{name}"}
        # The functions of `vendo.aio` are methods of `AsyncVendo`.
        and not (package == "vendo.aio" and f"vendo.AsyncVendo.{name}" in ids)
    ]
    assert missing == []


def test_every_reference_to_a_name_is_resolved(site: Site) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in site.folder.rglob("*.html"))
    assert re.findall(r"\]\[vendo[^<\]]*\]|</code>\]\[[^\]]*\]|\[\]\(\)", text) == []


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Serve the site on this machine, and yield its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Handler, directory=str(site.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


#: The addresses of all pages.
PAGES = [
    ""
    if name == "index.md"
    else name.removesuffix("index.md").removesuffix(".md").rstrip("/") + "/"
    for path in sorted((ROOT / "docs").rglob("*.md"))
    for name in [path.relative_to(ROOT / "docs").as_posix()]
]
#: Those that are checked in two more widths and schemes.
SOME = ["", "catalog/", "errors/", "reference/vendo_pytest/"]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "width", "dark"),
    [
        *((page, *look) for page in PAGES for look in [(320, False), (1280, True)]),
        *((page, *look) for page in SOME for look in [(320, True), (1280, False)]),
    ],
)
def test_a_page_is_accessible(
    address: str, browser: Chrome, page: str, width: int, dark: bool
) -> None:
    browser.set_script_timeout(120)  # the longest page of the reference, on a busy machine
    emulate(browser, width=width, dark=dark)
    browser.get(address + page)
    assert barriers(browser) == []
    assert not scrolls_sideways(browser)
    assert foreign_assets(browser) == []


def test_no_page_is_left_out(site: Site) -> None:
    built = {name.removesuffix("index.html") for name in site.pages if name != "404.html"}
    assert built == set(PAGES)


@pytest.mark.browser
def test_tables_of_code_fit_or_scroll_in_their_box(
    site: Site, address: str, browser: Chrome
) -> None:
    """No name in a table is broken, and what is wider than its box can be reached by keyboard."""
    # A box of one line has one rectangle. Code with spaces, or with dots in a later column, may
    # break there; its parts may not.
    broken = (
        "const lines = (node) => {"
        "  const range = document.createRange(); range.selectNodeContents(node);"
        "  return new Set([...range.getClientRects()].map((box) => box.top)).size };"
        "return [...document.querySelectorAll('td code')].flatMap((code) => [...code.childNodes])"
        ".filter((part) => part.textContent && lines(part) > 1).map((part) => part.textContent)"
    )
    wide = (
        "return [...document.querySelectorAll('.md-typeset__scrollwrap')]"
        ".filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.tabIndex)"
    )
    for width in (320, 1280):
        emulate(browser, width=width)
        for page in ("catalog/", "errors/", "reference/vendo/", "performance/"):
            browser.get(address + page)
            waiting(browser).until(lambda _: {0} >= set(browser.execute_script(wide)))
            assert browser.execute_script(broken) == [], (width, page)
            assert not scrolls_sideways(browser), (width, page)
            if page == "catalog/":
                assert bool(browser.execute_script(wide)) == (width == 320)


def test_each_page_has_the_version_and_leads_to_the_next(site: Site) -> None:
    for name, page in site.pages.items():
        text = (site.folder / name).read_text(encoding="utf-8")
        foot = text.partition("<footer")[2].partition("</footer>")[0]
        assert f"vendo-sdk {vendo.__version__}\n" in foot, name
        assert "zensical" not in foot, name
        assert "md-content__button" not in text, name  # no link to edit it
        if name != "404.html":
            assert "Previous" in foot or "Next" in foot, name
            assert page.links


def shown(browser: Chrome) -> list[str]:
    """Return the slugs of the rows that the catalog shows."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('tbody tr')].filter((row) => row.offsetParent)"
        ".filter((row) => row.cells.length === 5).map((row) => row.cells[0].textContent)"
    )
    return found


def status_of(browser: Chrome) -> str:
    """Return what the filter announces."""
    return browser.find_element(By.CSS_SELECTOR, "#filter [role=status]").text


@pytest.mark.browser
def test_the_catalog_has_a_filter(address: str, browser: Chrome) -> None:
    emulate(browser, width=1280)
    browser.get(f"{address}catalog/")
    total = len(catalog.slugs())
    assert status_of(browser) == f"{total} providers"
    assert sorted(shown(browser)) == sorted(catalog.slugs())

    field = browser.find_element(By.ID, "filter-text")
    assert field.accessible_name == "Filter"
    for typed, found in {
        "googledr": {"googledrive"},  # a slug
        "hugging face": {"huggingface"},  # a name
        "pplx_api": {"perplexity"},  # a variable
        "API.NOTION.COM": {"notion"},  # a host
        "bearer {token}": set(),  # how it is sent is not searched
        "f/s": set(),  # the theme's keys do nothing here
    }.items():
        field.clear()
        field.send_keys(typed)
        assert set(shown(browser)) == found, typed
        assert status_of(browser) == f"{len(found)} of {total} providers"
    headings = "return [...document.querySelectorAll('article h2')].filter((h) => h.offsetParent)"
    titles = [one.text for one in browser.execute_script(headings)]
    assert [title for title in titles if not title.startswith("Add a provider")] == []

    field.clear()
    field.send_keys(Keys.TAB)
    category = browser.switch_to.active_element
    assert category.accessible_name == "Category"
    category.send_keys("Crm")
    rows = {slug for slug in catalog.slugs() if PROVIDERS[slug]["category"] == "crm"}
    assert set(shown(browser)) == rows
    assert status_of(browser) == f"{len(rows)} of {total} providers"
    assert barriers(browser) == []

    browser.refresh()
    assert status_of(browser) == f"{total} providers"


@pytest.mark.browser
def test_without_javascript_the_catalog_has_its_tables_and_no_filter(
    address: str, browser: Chrome
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{address}catalog/")
        assert browser.find_elements(By.CSS_SELECTOR, "#filter *") == []
        assert len(browser.find_elements(By.CSS_SELECTOR, "tbody tr")) >= len(catalog.slugs())
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.browser
def test_search_finds_a_page(address: str, browser: Chrome) -> None:
    # The search box and its results are in a shadow tree, which selectors do not reach.
    found = (
        "const all = (root) => [...root.querySelectorAll('*')].flatMap((one) =>"
        " [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);"
        "return all(document).filter((one) => one.matches('a[role=option]')).map((one) => one.href)"
    )
    emulate(browser, width=1280)
    browser.get(address)
    wait = waiting(browser)
    body = browser.find_element(By.TAG_NAME, "body")

    focused = (
        "let one = document.activeElement;"
        "while (one.shadowRoot) one = one.shadowRoot.activeElement || document.body;"
        "return one"
    )

    def typed(_: object) -> bool:
        """Open the box, and type into it once it is ready."""
        box = browser.execute_script(focused)
        if box.tag_name != "input":
            body.send_keys("/")
        elif box.get_property("value") == "whsec":
            return True
        else:
            box.clear()
            box.send_keys("whsec")
        return False

    wait.until(typed)
    wait.until(lambda _: any("/webhooks/" in one for one in browser.execute_script(found)))


@pytest.mark.browser
@pytest.mark.parametrize(("page", "source"), [("", "index.md"), ("tutorial/", "tutorial.md")])
def test_the_copy_button_copies_exactly_the_commands(
    address: str, browser: Chrome, page: str, source: str
) -> None:
    find = (
        "return [...document.querySelectorAll('.highlight')]"
        ".find((one) => one.querySelector('code').textContent === arguments[0])"
    )
    read = "return navigator.clipboard.readText()"
    allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": allowed})
    # Only a focused page may use the clipboard.
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    emulate(browser, width=1280)
    browser.get(address + page)
    commands = [block.text for block in blocks(ROOT / "docs" / source) if block.language == "sh"]
    assert commands
    for text in commands:
        browser.execute_script("return navigator.clipboard.writeText('')")
        block = browser.execute_script(find, text)
        # The theme adds the button when the block becomes visible.
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", block)
        ActionChains(browser).move_to_element(block).perform()
        button = (By.CSS_SELECTOR, "button[data-md-type=copy]")
        waiting(browser).until(element_to_be_clickable(block.find_element(*button))).click()
        copied = waiting(browser).until(lambda _: browser.execute_script(read))
        assert copied == text.rstrip()
        assert "$ " not in copied
