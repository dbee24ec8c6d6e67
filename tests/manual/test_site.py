"""The manual is a site: it builds without a complaint, and no link in it leads nowhere."""

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
from selenium.webdriver.support.expected_conditions import element_to_be_clickable

from manual.blocks import ROOT, blocks
from support.looks import barriers, emulate, foreign_assets, scrolls_sideways
from support.user import waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

#: The site's own place while links are followed; where it is published is nobody's affair here.
BASE = "site:///"

PACKAGES = [
    *("vendo", "vendo.aio", "vendo.deployment", "vendo.errors", "vendo.reconciler", "vendo.sso"),
    *("vendo.testing", "vendo.web"),
    *sorted(module.name for module in pkgutil.iter_modules() if module.name.startswith("vendo_")),
]


class Page(HTMLParser):
    """What a page of the site leads to, what it loads, and what can be led to in it."""

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
    """A site that was built."""

    folder: Path
    said: str
    pages: dict[str, Page] = field(default_factory=dict)

    def at(self, address: str) -> Path:
        """The file that a server answers an address of the site with."""
        path = self.folder / unquote(urlsplit(address).path).lstrip("/")
        return path / "index.html" if path.is_dir() else path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built in a folder of its own."""
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


def test_the_site_builds_without_a_complaint(site: Site) -> None:
    assert "No issues found" in site.said
    # A strict build passes over what the readers of docstrings say.
    assert not re.search(r"griffe|mkdocstrings|warning|error", site.said, re.IGNORECASE), site.said


def test_every_link_leads_to_a_place_in_the_site(site: Site) -> None:
    dead = []
    for name, page in site.pages.items():
        if name == "404.html":  # its addresses are those of the published site
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


def test_links_to_elsewhere_are_encrypted(site: Site) -> None:
    schemes = {
        urlsplit(link).scheme for page in site.pages.values() for link in page.links + page.assets
    }
    assert schemes <= {"", "https", "mailto", "data"}


def test_no_page_needs_anything_from_another_host(site: Site) -> None:
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
        # The functions of `vendo.aio` are the methods of a client.
        and not (package == "vendo.aio" and f"vendo.AsyncVendo.{name}" in ids)
    ]
    assert missing == []


def test_no_reference_to_a_name_is_left_open(site: Site) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in site.folder.rglob("*.html"))
    assert re.findall(r"\]\[vendo[^<\]]*\]|</code>\]\[[^\]]*\]|\[\]\(\)", text) == []


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Where the site is published for a while, on this machine."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Handler, directory=str(site.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


#: What is the theme's own, and does no harm: browsers let a keyboard into what scrolls, and the
#: name that two lists of pages share is that of the section they are both of.
OF_THE_THEME = ("scrollable-region-focusable", "landmark-unique")


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_site_is_for_everybody(address: str, browser: Chrome, width: int, dark: bool) -> None:
    emulate(browser, width=width, dark=dark)
    for page in ("", "tutorial/", "errors/", "reference/vendo_pytest/"):
        browser.get(address + page)
        found = [one for one in barriers(browser) if not one.startswith(OF_THE_THEME)]
        assert found == [], page
        assert not scrolls_sideways(browser), page
        assert foreign_assets(browser) == [], page


@pytest.mark.browser
def test_a_reader_finds_a_page_by_a_word(address: str, browser: Chrome) -> None:
    # The box and what it finds are in a tree of their own, out of reach of selectors.
    found = (
        "const all = (root) => [...root.querySelectorAll('*')].flatMap((one) =>"
        " [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);"
        "return all(document).filter((one) => one.matches('a[role=option]')).map((one) => one.href)"
    )
    emulate(browser, width=1280)
    browser.get(address)
    wait = waiting(browser)
    body = browser.find_element(By.TAG_NAME, "body")

    def opened(_: object) -> bool:
        body.send_keys("/")
        return bool(browser.switch_to.active_element != body)

    wait.until(opened)
    ActionChains(browser).send_keys("whsec").perform()
    wait.until(lambda _: any("/webhooks/" in one for one in browser.execute_script(found)))


@pytest.mark.browser
@pytest.mark.parametrize(("page", "source"), [("", "index.md"), ("tutorial/", "tutorial.md")])
def test_the_copy_button_takes_the_commands_as_they_are_to_be_pasted(
    address: str, browser: Chrome, page: str, source: str
) -> None:
    find = (
        "return [...document.querySelectorAll('.highlight')]"
        ".find((one) => one.querySelector('code').textContent === arguments[0])"
    )
    read = "return navigator.clipboard.readText()"
    allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": allowed})
    # Only a page with the focus may use the clipboard.
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    emulate(browser, width=1280)
    browser.get(address + page)
    commands = [block.text for block in blocks(ROOT / "docs" / source) if block.language == "sh"]
    assert commands
    for text in commands:
        browser.execute_script("return navigator.clipboard.writeText('')")
        block = browser.execute_script(find, text)
        # The theme adds the button once the block can be seen.
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", block)
        ActionChains(browser).move_to_element(block).perform()
        button = (By.CSS_SELECTOR, "button[data-md-type=copy]")
        waiting(browser).until(element_to_be_clickable(block.find_element(*button))).click()
        copied = waiting(browser).until(lambda _: browser.execute_script(read))
        assert copied == text.rstrip()
        assert "$ " not in copied
