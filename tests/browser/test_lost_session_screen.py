"""The first thing a person does after the server lost the session of their tab is carried out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import TIMEOUT_MS
from tests.browser.lost_session import CONNECTED, lose_session, prepare
from tests.browser.prepared import ADMIN, Prepared
from tests.browser.screen import Screen
from tests.serving.installation import PASSWORD, PERSON, install
from tests.support.app_process import free_port, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tab(app: str, prepared: Prepared, open_context: Callable[[], BrowserContext]) -> Screen:
    context = open_context()
    prepare(context)
    screen = Screen(context.new_page(), app)
    screen.go("/explore")
    screen.sign_in(ADMIN, prepared.passwords[ADMIN])
    return screen


def type_query(page: Page) -> None:
    page.get_by_label("Query").fill("action:create")
    page.get_by_label("Query").press("Enter")


def choose_window(page: Page) -> None:
    page.get_by_role("combobox", name="Time window").click()
    page.get_by_role("option", name="Last 30 days", exact=True).click()


def remove_chip(page: Page) -> None:
    page.locator(".st-key-filter_chips input").press("Backspace")


ACTIONS: dict[str, tuple[Callable[[Page], None], str]] = {
    "query": (type_query, r"query=action%3Acreate"),
    "older": (lambda page: page.get_by_role("button", name="Older").click(), r"at=older"),
    "window": (choose_window, r"window=30d"),
    "chip": (remove_chip, r"explore\?window=all$"),
    "facet": (
        lambda page: page.locator(
            ".st-key-facet_outcome_values input[type=checkbox]"
        ).first.check(),
        r"outcome=",
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_the_first_action_after_a_lost_session_is_carried_out(tab: Screen, name: str) -> None:
    act, address = ACTIONS[name]
    tab.go("/explore?window=all&query=action:start")
    tab.rows()
    lose_session(tab)
    act(tab.page)
    expect(tab.page).to_have_url(re.compile(address))
    tab.settle()
    expect(tab.page).to_have_url(re.compile(address))
    expect(tab.page.get_by_text("The connection to the server was lost")).to_have_count(0)


def test_what_stood_in_a_dialog_is_said_to_be_lost_and_not_done(tab: Screen) -> None:
    tab.go("/explore?window=all")
    tab.rows()
    tab.page.get_by_role("button", name="Save as…").click()
    tab.drawer.get_by_label("Name").fill("Never saved")
    lose_session(tab)
    tab.drawer.get_by_role("button", name="Save view").click()
    expect(tab.page.get_by_text("What you did last was not carried out")).to_be_visible()
    expect(tab.drawer).to_have_count(0)


def test_a_query_typed_after_a_restart_is_asked(browser: Browser, tmp_path: Path) -> None:
    installation, port = install(tmp_path, entries=30), free_port()
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    with running(installation.environment, tmp_path / "first.txt", port=port) as url:
        screen = Screen(page, url)
        screen.go("/explore?window=all&query=action:resize")
        screen.sign_in(PERSON, PASSWORD)
        screen.settle()
    with running(installation.environment, tmp_path / "second.txt", port=port):
        page.wait_for_function(CONNECTED)
        page.get_by_label("Query").fill("action:archive")
        page.get_by_label("Query").press("Enter")
        expect(page).to_have_url(re.compile(r"query=action%3Aarchive"))
        screen.settle()
        expect(page.get_by_label("Query")).to_have_value("action:archive")
        context.close()
