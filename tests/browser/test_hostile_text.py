"""What anybody wrote into the log is shown as text, wherever it is shown."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from audit_core.query.time.windows import format_instant
from tests.browser.conftest import OpenScreen, Watch
from tests.browser.prepared import ADMIN, FOREIGN_HOST, HOSTILE, Prepared
from tests.browser.screen import ACTION, Screen

pytestmark = pytest.mark.browser


def around(prepared: Prepared) -> str:
    """A window with the hostile entries and nothing else."""
    since, until = (prepared.began - timedelta(minutes=minutes) for minutes in (9.9, 8))
    return f"from={format_instant(since)}&to={format_instant(until)}"


def assert_harmless(screen: Screen, watch: Watch) -> None:
    """Nothing on the page leads to the foreign host, and nothing was asked of it."""
    screen.settle()
    screen.page.wait_for_timeout(200)
    attributes = screen.page.evaluate(
        """() => [...document.querySelectorAll('*')].flatMap(element =>
            ['src', 'href', 'xlink:href', 'srcset', 'action', 'style', 'onerror', 'onclick']
                .filter(name => element.hasAttribute(name))
                .map(name => [element.tagName, name, element.getAttribute(name)]))"""
    )
    # Own pages, that are asked for what was written: what begins so leads nowhere else.
    own = ("/api/v1/export?", "explore?", "people?")
    assert [
        item for item in attributes if FOREIGN_HOST in item[2] and not item[2].startswith(own)
    ] == []
    assert watch.wrongs == []


def test_the_table_and_the_drawer_show_it_letter_by_letter(
    open_screen: OpenScreen, prepared: Prepared, watch: Watch
) -> None:
    screen = open_screen(ADMIN, f"/explore?{around(prepared)}")
    rows = screen.rows(lambda rows: len(rows) == len(HOSTILE))
    assert [row[ACTION] for row in rows] == list(HOSTILE)
    assert_harmless(screen, watch)
    for number in (0, 1, len(HOSTILE) - 1):
        screen.click_row(number)
        expect(screen.drawer.get_by_text("As JSON")).to_be_visible()
        expect(screen.drawer.get_by_text(HOSTILE[number]).first).to_be_visible()
        assert_harmless(screen, watch)
        screen.page.keyboard.press("Escape")
        expect(screen.drawer).to_have_count(0)


def test_the_filter_and_its_words_show_it_as_text(
    open_screen: OpenScreen, prepared: Prepared, watch: Watch
) -> None:
    fields = ("actor", "action", "target_type", "target", "source", "ip")
    query = urlencode({field: HOSTILE for field in fields}, doseq=True)
    screen = open_screen(ADMIN, f"/explore?{around(prepared)}&{query}")
    screen.rows(lambda rows: len(rows) == len(HOSTILE))
    screen.page.get_by_role("button", name=re.compile("Filters")).click()
    screen.page.get_by_role("combobox", name="Action", exact=True).click()
    chips = screen.page.locator(".st-key-filter_chips")
    expect(chips.get_by_text(f"user {HOSTILE[0]}")).to_be_attached()
    assert_harmless(screen, watch)
    screen.go(f"/explore?window=5m&{query}&text={HOSTILE[0]}")
    expect(screen.page.get_by_text("No entries match.")).to_be_visible()
    assert_harmless(screen, watch)


def test_the_charts_show_it_as_text(
    open_screen: OpenScreen, prepared: Prepared, watch: Watch
) -> None:
    screen = open_screen(ADMIN, f"/?{around(prepared)}")
    expect(screen.page.get_by_test_id("stPlotlyChart")).to_have_count(8)
    expect(screen.page.locator("svg text", has_text="![x](").first).to_be_visible()
    assert_harmless(screen, watch)


def test_an_address_that_cannot_be_read_is_told_in_text_and_can_be_reset(
    open_screen: OpenScreen, watch: Watch
) -> None:
    query = urlencode({"status": HOSTILE[0], HOSTILE[1]: "x", "window": "9d"})
    screen = open_screen(ADMIN, f"/explore?{query}")
    expect(screen.page.get_by_text("The address of this page is not valid.")).to_be_visible()
    for told in (HOSTILE[0], "'9d'", "parts that Sandtrail does not know"):
        expect(screen.page.get_by_text(told)).to_be_visible()
    assert_harmless(screen, watch)
    screen.page.get_by_role("button", name="Reset filters").click()
    screen.rows()
    expect(screen.page).to_have_url(re.compile(r"/explore(\?window=7d)?$"))


def test_the_lists_of_sandboxes_show_it_as_text(
    open_screen: OpenScreen, prepared: Prepared, watch: Watch
) -> None:
    screen = open_screen(ADMIN, "/sandboxes?window=90d")
    for shown in ("starts", "groups", "retries", "targets"):
        screen.go(f"/sandboxes?window=90d&list={shown}")
        screen.rows()
        assert_harmless(screen, watch)
    screen.page.get_by_role("combobox", name="Kind of target").click()
    expect(screen.page.get_by_text(HOSTILE[0]).first).to_be_visible()
    assert_harmless(screen, watch)
    screen.go(f"/sandboxes?{urlencode({'sandbox': HOSTILE[0]})}")
    expect(screen.page.get_by_text(HOSTILE[0])).to_be_visible()
    assert_harmless(screen, watch)
