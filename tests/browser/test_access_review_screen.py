"""An access review from its beginning to its end, at the screen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, UNUSED_TOKEN
from tests.browser.screen import BOX_X, HEADER_HEIGHT, ROW_HEIGHT, Screen


def press(page: Page, name: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_review_is_begun_decided_and_signed_off(open_screen: OpenScreen) -> None:
    screen = open_screen(ADMIN, "/access_review")
    page = screen.page
    press(page, "Begin review")
    expect(page.get_by_role("heading", name="decided")).to_be_visible()
    screen.settle()

    # One is revoked.
    page.get_by_role("button", name="API token").click()
    screen.settle()
    number = [row[1] for row in screen.rows(lambda rows: len(rows) == 2)].index(UNUSED_TOKEN)
    screen.click_at(screen.table, BOX_X, HEADER_HEIGHT + ROW_HEIGHT * (number + 0.5))
    page.get_by_role("textbox", name="Note").fill("nobody knows it")
    page.get_by_role("textbox", name="Note").press("Enter")
    screen.settle()
    press(page, "Revoke 1 line")
    press(page, "Revoke now")
    expect(page.get_by_role("heading", name=re.compile(r": 1 of \d+ decided"))).to_be_visible()
    screen.rows(lambda rows: [row[4] for row in rows if row[1] == UNUSED_TOKEN] == ["Revoked"])

    # With open lines it is not signed off.
    press(page, "Sign off")
    press(page, "Sign off now")
    expect(page.get_by_text("lines are still open.")).to_be_visible()

    # All others are attested.
    page.get_by_role("button", name="API token").click()
    page.get_by_text("Open only").click()
    screen.settle()
    _select_all(screen)
    page.get_by_role("button", name=re.compile(r"^Attest \d+ lines$")).click()
    expect(page.get_by_role("heading", name=": ready to be signed off")).to_be_visible()
    screen.settle()
    press(page, "Sign off")
    press(page, "Sign off now")
    expect(page.get_by_role("heading", name=": signed off")).to_be_visible()
    expect(page.get_by_text("The lines below are those that were signed off")).to_be_visible()
    expect(page.get_by_role("button", name="Sign off", exact=True)).to_have_count(0)


def _select_all(screen: Screen) -> None:
    screen.rows(lambda rows: len(rows) > 2)
    screen.click_at(screen.table, BOX_X, HEADER_HEIGHT / 2)
    screen.settle()
