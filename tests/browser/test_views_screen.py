from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from audit_core.domain.entries import Outcome
from tests.browser.conftest import OpenScreen, Watch
from tests.browser.prepared import ADMIN, AUDITOR, HOME, HOSTILE, Prepared
from tests.browser.screen import Screen
from tests.browser.test_explore_screen import fixed
from tests.browser.test_hostile_text import assert_harmless

pytestmark = pytest.mark.browser

NAME = HOSTILE[0]
"""What a colleague may well call a view."""


def open_list(screen: Screen) -> None:
    """Open the list of views."""
    screen.settle()
    screen.page.get_by_role("button", name="Views", exact=True).click()
    expect(screen.page.locator('[class*="st-key-views_ready"]')).to_be_visible()
    screen.settle()


def click(screen: Screen, group: str, row: int) -> None:
    """Press a view in the list."""
    table = screen.page.locator(f'[class*="st-key-views_{group}"]').get_by_test_id("stDataFrame")
    place = {"x": 60, "y": 36 + 30 * (row + 0.5)}
    # The table learns where it is from the pointer.
    table.hover(position=place)  # type: ignore[arg-type]
    screen.page.wait_for_timeout(300)
    table.click(position=place)  # type: ignore[arg-type]


def opened(screen: Screen) -> Locator:
    """The name of the open view."""
    return screen.page.locator(".st-key-explore_views").get_by_text(NAME, exact=True)


def choose_default(screen: Screen, name: str) -> None:
    open_list(screen)
    screen.page.get_by_role("button", name="Manage…").click()
    screen.page.get_by_role("combobox", name="Open by default").click()
    screen.page.get_by_role("option", name=name).click()
    screen.settle()
    screen.page.keyboard.press("Escape")


def test_a_view_is_saved_shared_opened_by_another_and_made_the_default(
    open_screen: OpenScreen, prepared: Prepared, watch: Watch
) -> None:
    failed = [item for item in prepared.entries[HOME] if item.outcome is Outcome.SERVER_ERROR]
    wanted = f"/explore?{fixed(prepared)}&outcome=server_error&columns=time,id,status"
    mine = open_screen(ADMIN, wanted)
    mine.rows(lambda rows: bool(rows) and len(rows[0]) == 3)
    mine.page.get_by_role("button", name="Save as…").click()
    dialog = mine.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(NAME)
    dialog.get_by_text("Everyone who can read the log").click()
    dialog.get_by_role("button", name="Save view").click()
    expect(mine.page).to_have_url(re.compile("view=[0-9a-f]{32}"))
    expect(opened(mine)).to_be_visible()
    expect(dialog).to_have_count(0)
    assert_harmless(mine, watch)

    theirs = open_screen(AUDITOR, "/explore")
    theirs.rows()
    open_list(theirs)
    click(theirs, "others", 0)
    expect(theirs.page).to_have_url(re.compile("outcome=server_error.*view=[0-9a-f]{32}"))
    expect(theirs.page.locator('[class*="st-key-views_ready"]')).to_have_count(0)
    newest = [item.id for item in failed[::-1]]
    rows = theirs.rows(lambda rows: bool(rows) and len(rows[0]) == 3)
    assert [row[1] for row in rows] == newest[: len(rows)]
    expect(theirs.page.get_by_role("button", name="Save changes")).to_have_count(0)

    choose_default(theirs, NAME)
    assert_harmless(theirs, watch)
    theirs.go("/explore")
    expect(theirs.page).to_have_url(re.compile("outcome=server_error.*view=[0-9a-f]{32}"))
    expect(opened(theirs)).to_be_visible()
    choose_default(theirs, "None")
    theirs.go("/explore")
    expect(theirs.page).to_have_url(re.compile(r"/explore\?window=7d$"))


def test_columns_are_moved_by_buttons_and_the_address_says_so(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    # In a view, so that nothing is remembered for the other tests.
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}&view=denied")
    screen.rows()
    screen.page.get_by_role("button", name="Columns", exact=True).click()
    screen.page.locator(".st-key-columns_chosen").get_by_text("User", exact=True).click()
    screen.settle()
    screen.page.locator(".st-key-columns_left button").click()
    screen.settle()
    expect(screen.page).to_have_url(re.compile("columns=age%2Cuser%2Ctime"))
    newest = prepared.entries[HOME][-1]
    screen.rows(lambda rows: bool(rows) and rows[0][1] == newest.actor)
    screen.page.locator(".st-key-columns_density").get_by_text("Compact").click()
    expect(screen.page).to_have_url(re.compile("density=compact"))
