from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import Locator, expect

from audit_core.query.time.windows import format_instant
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, HOME, HOSTILE, Prepared
from tests.browser.screen import Screen
from tests.browser.test_explore_screen import append

pytestmark = pytest.mark.browser


def opened(open_screen: OpenScreen, prepared: Prepared) -> tuple[Screen, Locator, Locator]:
    """Explore with all that was prepared, its query box, and the lines below it."""
    screen = open_screen(ADMIN, f"/explore?from=-&to={format_instant(prepared.began)}")
    screen.rows()
    screen.settle()
    box = screen.page.get_by_role("combobox", name="Query", exact=True)
    return screen, box, screen.page.locator("#query-suggestions").get_by_role("option")


def test_a_field_and_a_value_are_taken_by_keys_and_filter_the_page(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    entries = prepared.entries[HOME]
    screen, box, lines = opened(open_screen, prepared)
    where = screen.table.bounding_box()
    box.press_sequentially("-act")
    expect(lines).to_have_text(
        [re.compile("^actor"), re.compile("^action"), re.compile("^actor_id")]
    )
    expect(box).to_have_attribute("aria-expanded", "true")
    assert screen.table.bounding_box() == where, "nothing moves"
    box.press("ArrowDown")
    box.press("ArrowDown")
    chosen = lines.nth(1)
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    box.press("Enter")
    expect(box).to_have_value("-action:")
    (action, count), *_ = Counter(item.action for item in entries).most_common(1)
    expect(lines.first).to_have_text(f"{action}{count:,}")
    box.press("ArrowDown")
    box.press("Tab")
    expect(box).to_have_value(f"-action:{action} ")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press("Enter")
    expect(screen.page.get_by_text(f"{len(entries) - count:,} entries")).to_be_visible()
    expect(screen.page).to_have_url(re.compile("query=-action"))


def test_a_click_takes_a_value_in_the_middle_of_a_query(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen, box, lines = opened(open_screen, prepared)
    box.fill("outcome:s type:sandbox")
    for _ in range(len(" type:sandbox")):
        box.press("ArrowLeft")
    expect(lines).to_have_count(0)
    box.press("ArrowDown")
    lines.filter(has_text="server_error").click()
    expect(box).to_have_value("outcome:server_error type:sandbox")
    expect(box).to_be_focused()
    box.press_sequentially(" ")
    expect(box).to_have_value("outcome:server_error  type:sandbox")
    expect(screen.page).not_to_have_url(re.compile("query="))


def test_enter_without_a_chosen_line_applies_and_escape_only_closes(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen, box, lines = opened(open_screen, prepared)
    box.press_sequentially("type:sandbox act")
    expect(lines.first).to_be_visible()
    box.press("Escape")
    expect(lines.first).to_be_hidden()
    expect(box).to_have_value("type:sandbox act")
    for _ in range(len(" act")):
        box.press("Backspace")
    box.press("ArrowDown")
    box.press("Enter")
    expect(screen.page).to_have_url(re.compile("query=type"))
    expect(lines.first).to_be_hidden()


def test_suggestions_outlast_a_page_that_is_drawn_anew(
    open_screen: OpenScreen, prepared: Prepared, app: str
) -> None:
    screen = open_screen(ADMIN, "/explore?window=1h")
    screen.go_live()
    screen.settle()
    box = screen.page.get_by_role("combobox", name="Query", exact=True)
    box.press_sequentially("outcome:fa")
    line = screen.page.get_by_role("option", name="failed")
    expect(line).to_be_visible()
    append(app, prepared)
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible()
    screen.settle()
    expect(line).to_be_visible()
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("outcome:failed ")


def test_hostile_values_stay_text_and_are_written_as_they_are(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen, box, lines = opened(open_screen, prepared)
    box.fill("actor:evil.example")
    expect(lines).to_have_count(len(HOSTILE))
    assert screen.page.locator("#query-suggestions").locator("a, img, script, style").count() == 0
    lines.filter(has_text="<img").click()
    box.press("Enter")
    expect(screen.page.get_by_text("1 entry")).to_be_visible()
