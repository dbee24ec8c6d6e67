"""A user who denies a connection comes back to their page, and stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By

from servers.sites import SITES
from support.looks import barriers, emulate
from support.servers import serving
from support.user import follow, press, text_of, wait_until_at
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.mark.parametrize("command", SITES.values(), ids=SITES)
def test_a_denial_leads_back_to_the_page_which_says_so_and_goes_nowhere_by_itself(
    command: list[str], browser: Chrome, tmp_path: Path
) -> None:
    emulate(browser, width=320)
    with (
        LocalVendo(["gmail"]) as vendo,
        serving(command, vendo.environment(), tmp_path, options=()) as site,
    ):
        # Another site than Vendo's, for cookies: that is 127.0.0.1.
        page = f"{site.replace('127.0.0.1', 'localhost')}/page/?folder=inbox"
        browser.get(page)
        for _ in range(2):
            follow(browser, "Connect Slack")
            wait_until_at(browser, "/connections/connect/slack")
            seen = vendo.count("pages")
            press(browser, "Deny")

            wait_until_at(browser, "/page/")
            assert browser.current_url == f"{page}&vendo_connect=denied&slug=slack"
            assert "You did not connect Slack" in text_of(browser)
            assert not browser.find_elements(By.CSS_SELECTOR, "script, meta[http-equiv], iframe")
            assert barriers(browser) == []
            assert vendo.count("pages") == seen + 1

        follow(browser, "Connect Slack")
        press(browser, "Connect")
        wait_until_at(browser, "/page/")
        assert browser.current_url == page
        assert text_of(browser) == vendo.token("slack")
