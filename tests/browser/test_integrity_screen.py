from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, AUDITOR

pytestmark = pytest.mark.browser


def test_the_log_is_sealed_by_itself_and_verified_when_asked(open_screen: OpenScreen) -> None:
    other = open_screen(AUDITOR, "/integrity")
    screen = open_screen(ADMIN, "/integrity")
    expect(screen.page.get_by_text("sandtrail/").first).to_be_visible()
    screen.settle()
    screen.page.get_by_role("button", name="Verify now", exact=True).click()
    expect(screen.page.get_by_text("All of them are as they were sealed")).to_be_visible()
    # A tab that nobody touches shows it too, and how long ago it was.
    expect(other.page.get_by_text("All of them are as they were sealed")).to_be_visible()
    expect(other.page.get_by_test_id("stMetricValue").nth(3)).to_have_text(re.compile(r"\d+s ago"))
