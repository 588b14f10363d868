"""The first thing a person does after the server lost the session of their tab is carried out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from audit_core.ingest.records.record import write_record
from tests.browser.conftest import TIMEOUT_MS
from tests.browser.lost_session import CONNECTED, lose_session, prepare
from tests.browser.prepared import ADMIN, Prepared, entry
from tests.browser.screen import Screen
from tests.serving.installation import PASSWORD, PERSON, install
from tests.support.app_process import free_port, running

pytestmark = pytest.mark.browser

CHART = "[class*='st-key-drag_']"
SANDBOX = 3
"""Its column among attempts to start."""


@pytest.fixture(scope="module")
def tab(app: str, prepared: Prepared, open_context: Callable[[], BrowserContext]) -> Screen:
    context = open_context()
    prepare(context)
    screen = Screen(context.new_page(), app)
    screen.go("/explore")
    screen.sign_in(ADMIN, prepared.passwords[ADMIN])
    return screen


def type_query(page: Page) -> None:
    page.get_by_label("Query").fill("action:archive")
    page.get_by_label("Query").press("Enter")


def turn_the_page(page: Page) -> None:
    page.get_by_role("button", name="Older").click()


def choose_window(page: Page) -> None:
    page.get_by_role("combobox", name="Time window").click()
    page.get_by_role("option", name="Last 30 days", exact=True).click()


def remove_chip(page: Page) -> None:
    page.locator(".st-key-filter_chips input").press("Backspace")


def click_a_bar(page: Page) -> None:
    """In the middle, where Plotly surely finds it."""
    bars = page.locator(f"{CHART} .barlayer .trace").first.locator(".point path")
    tallest = max((bar.bounding_box() for bar in bars.all()), key=lambda box: box["height"])
    page.mouse.click(tallest["x"] + tallest["width"] / 2, tallest["y"] + tallest["height"] / 2)


def choose_another_zone(page: Page) -> None:
    page.get_by_role("combobox", name="Time zone", exact=True).click()
    page.get_by_role("option", name="Other zone…").click()
    page.get_by_role("combobox", name="Other time zone").fill("Kolkata")
    page.get_by_role("option", name="Asia/Kolkata").click()


ACTIONS: dict[str, tuple[Callable[[Page], None], str]] = {
    "query": (type_query, r"query=action%3Aarchive"),
    "older": (turn_the_page, r"at=older"),
    "window": (choose_window, r"window=30d"),
    "chip": (remove_chip, r"explore\?window=all$"),
    "facet": (
        lambda page: page.locator(
            ".st-key-facet_outcome_values input[type=checkbox]"
        ).first.check(),
        r"outcome=",
    ),
    "bar": (click_a_bar, r"from=.*&to=.*outcome="),
    "zone": (choose_another_zone, r"zone=Asia%2FKolkata"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_the_first_action_after_a_lost_session_is_carried_out(tab: Screen, name: str) -> None:
    act, address = ACTIONS[name]
    tab.go("/explore?window=all&query=action:start")
    tab.rows()
    # What the list can be turned to is drawn after its rows.
    expect(tab.page.get_by_role("button", name="Older")).to_be_visible()
    tab.settle()
    lose_session(tab)
    act(tab.page)
    expect(tab.page).to_have_url(re.compile(address))
    tab.settle()
    expect(tab.page).to_have_url(re.compile(address))
    expect(tab.page.get_by_text("The connection to the server was lost")).to_have_count(0)


def test_a_zone_that_was_being_looked_for_is_shown(tab: Screen) -> None:
    tab.go("/explore?window=all")
    tab.rows()
    tab.page.get_by_role("combobox", name="Time zone", exact=True).click()
    tab.page.get_by_role("option", name="Other zone…").click()
    expect(tab.page.get_by_role("combobox", name="Other time zone")).to_be_visible()
    tab.settle()
    lose_session(tab)
    tab.page.get_by_role("combobox", name="Other time zone").fill("Kolkata")
    tab.page.get_by_role("option", name="Asia/Kolkata").click()
    expect(tab.page).to_have_url(re.compile(r"zone=Asia%2FKolkata"))


def test_a_row_that_was_clicked_on_is_the_one_that_was_seen(
    tab: Screen, app: str, prepared: Prepared
) -> None:
    tab.go("/sandboxes?window=90d")
    seen = tab.rows(lambda rows: bool(rows) and len(rows[0]) > SANDBOX)[1][SANDBOX]
    tab.settle()
    newer = entry("box-of-a-later-failure", datetime.now(UTC), status_code=500)
    answer = httpx.post(
        f"{app}/api/v1/entries",
        content=write_record(newer),
        headers={"authorization": f"Bearer {prepared.token}"},
    )
    assert answer.json()["accepted"] == 1, answer.text
    lose_session(tab)
    tab.click_row(1)
    expect(tab.page).to_have_url(re.compile(f"sandbox={seen}"))
    expect(tab.page.get_by_role("button", name="Back to the list")).to_be_visible()


def test_what_stood_in_a_dialog_is_said_to_be_lost_and_not_done(tab: Screen) -> None:
    tab.go("/explore?window=all")
    tab.rows()
    tab.page.get_by_role("button", name="Save as…").click()
    tab.drawer.get_by_label("Name").fill("Never saved")
    lose_session(tab)
    tab.drawer.get_by_role("button", name="Save view").click()
    expect(tab.page.get_by_text("What you did last was not carried out")).to_be_visible()
    expect(tab.drawer).to_have_count(0)


def test_what_is_written_in_a_dialog_does_not_vanish_without_a_word(tab: Screen) -> None:
    tab.go("/access")
    tab.page.get_by_role("button", name="Invite").click()
    tab.drawer.get_by_label("E-mail address").fill("never@example.org")
    lose_session(tab)
    # The list of invitations is drawn anew by itself, whether or not somebody is writing.
    expect(tab.page.get_by_text("What you did last was not carried out")).to_be_visible()
    expect(tab.drawer).to_have_count(0)


def test_the_first_action_after_a_restart_is_carried_out(browser: Browser, tmp_path: Path) -> None:
    """The steps of `session-restart.steps`, each in a tab of its own."""
    installation, port = install(tmp_path, entries=60), free_port()
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    actions: dict[Callable[[Page], None], str] = {
        type_query: r"query=action%3Aarchive$",
        turn_the_page: r"query=action%3Acreate&at=older",
        choose_window: r"window=30d&query=action%3Acreate$",
    }
    screens = {}
    with running(installation.environment, tmp_path / "first.txt", port=port) as url:
        for act in actions:
            screens[act] = Screen(context.new_page(), url)
            screens[act].go("/explore?window=7d&query=action:create")
            if len(screens) == 1:
                screens[act].sign_in(PERSON, PASSWORD)
        for screen in screens.values():
            screen.rows()
            screen.settle()
    with running(installation.environment, tmp_path / "second.txt", port=port):
        for act, address in actions.items():
            page = screens[act].page
            page.bring_to_front()
            page.wait_for_function(CONNECTED)
            act(page)
            expect(page).to_have_url(re.compile(address))
            screens[act].settle()
            expect(page).to_have_url(re.compile(address))
        expect(screens[type_query].page.get_by_label("Query")).to_have_value("action:archive")
        context.close()
