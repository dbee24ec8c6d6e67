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
from selenium.webdriver.support.expected_conditions import element_to_be_clickable

from manual.blocks import ROOT, blocks
from support.looks import barriers, emulate, foreign_assets, scrolls_sideways
from support.user import waiting

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


#: Findings in the theme that do no harm: browsers let the keyboard focus scrollable regions, and
#: two lists of pages share the name of their section.
OF_THE_THEME = ("scrollable-region-focusable", "landmark-unique")


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_site_is_accessible(address: str, browser: Chrome, width: int, dark: bool) -> None:
    emulate(browser, width=width, dark=dark)
    for page in ("", "tutorial/", "errors/", "reference/vendo_pytest/"):
        browser.get(address + page)
        found = [barrier for barrier in barriers(browser) if not barrier.startswith(OF_THE_THEME)]
        assert found == [], page
        assert not scrolls_sideways(browser), page
        assert foreign_assets(browser) == [], page


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
