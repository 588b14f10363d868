"""The list of entries by keyboard, on a phone, and on the clipboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import VIEWPORT, OpenScreen
from tests.browser.prepared import ADMIN, HOME, HOSTILE, Prepared
from tests.browser.test_explore_screen import fixed
from tests.browser.test_hostile_text import around

pytestmark = pytest.mark.browser

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PHONE = {"width": 390, "height": 844}


def test_keys_walk_through_the_list_open_an_entry_and_turn_to_the_next(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    ids = [item.id for item in prepared.entries[HOME][::-1]]
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    screen.rows()
    screen.settle()
    keyboard, lines = screen.page.keyboard, screen.page.locator(".entry-list tbody tr")
    keyboard.press("j")
    expect(lines.nth(0)).to_be_focused()
    for key, line in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)):
        keyboard.press(key)
        expect(lines.nth(line)).to_be_focused()
    expect(screen.drawer).to_have_count(0)
    assert "entry=" not in screen.page.url

    keyboard.press("Enter")
    expect(screen.page).to_have_url(re.compile(f"entry={ids[1]}"))
    expect(screen.drawer.get_by_text(ids[1]).first).to_be_attached()
    for key, line in (("j", 2), ("ArrowDown", 3), ("k", 2)):
        keyboard.press(key)
        expect(screen.page).to_have_url(re.compile(f"entry={ids[line]}"))
        expect(screen.drawer.get_by_text(ids[line]).first).to_be_attached()
        expect(lines.nth(line)).to_have_attribute("aria-selected", "true")
        expect(screen.page.locator(".entry-list [aria-selected=true]")).to_have_count(1)
    screen.settle()
    keyboard.press("Escape")
    expect(screen.drawer).to_have_count(0)
    expect(lines.nth(2)).to_be_focused()


def test_escape_leaves_the_query_as_it_was_and_a_question_mark_lists_the_keys(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    screen.rows()
    screen.settle()
    query = screen.page.get_by_label("Query", exact=True)
    query.press_sequentially("zzz")
    query.press("Escape")
    query.press("Escape")
    expect(query).not_to_be_focused()
    expect(query).to_have_value("")
    screen.page.keyboard.press("?")
    keys = screen.page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("Open the entry")).to_be_visible()
    screen.page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    screen.settle()
    assert "query=" not in screen.page.url


def test_on_a_phone_an_entry_has_two_lines_and_hostile_text_widens_nothing(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"/explore?{around(prepared)}")
    screen.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    screen.rows(lambda rows: len(rows) == len(HOSTILE))
    line = screen.page.locator(".entry-list tbody tr").first
    box = line.bounding_box()
    assert box is not None
    assert 30 < box["height"] < 60
    assert box["x"] + box["width"] <= PHONE["width"]
    line.click()
    expect(screen.drawer.get_by_text(HOSTILE[0]).first).to_be_visible()
    screen.page.set_viewport_size(VIEWPORT)


def test_on_a_phone_nothing_is_cut_at_the_side_and_zoomed_text_leaves_room_for_entries(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    zone = "America/Argentina/Buenos_Aires"
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}&zone={zone}")
    page = screen.page
    screen.rows()
    for width, height in ((390, 844), (195, 422)):
        page.set_viewport_size({"width": width, "height": height})
        for part in (".st-key-filter_window", ".st-key-filter_zone", ".st-key-explore_count"):
            box = page.locator(part).first.bounding_box()
            assert box is not None
            assert 0 <= box["x"] < box["x"] + box["width"] <= width
        second = page.locator(".entry-list tbody tr").nth(1).bounding_box()
        assert second is not None
        assert second["y"] + second["height"] <= height
    page.set_viewport_size(VIEWPORT)


def test_what_the_eye_misses_is_seen_under_the_pointer_and_copied(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    entries = prepared.entries[HOME]
    chosen = next(item for item in entries[::-1] if UUID.fullmatch(item.target_id or ""))
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}&query=target:{chosen.target_id}")
    cell = screen.page.locator(".entry-list td.column-target").first
    expect(cell).to_have_attribute("title", f"{chosen.target_type} {chosen.target_id}")
    copied = cell.evaluate(
        """cell => {
            const chosen = document.getSelection();
            chosen.selectAllChildren(cell);
            const clipboardData = new DataTransfer();
            cell.dispatchEvent(new ClipboardEvent("copy", {clipboardData, bubbles: true}));
            chosen.removeAllRanges();
            return clipboardData.getData("text/plain");
        }"""
    )
    assert copied == f"{chosen.target_type} {chosen.target_id}"
