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

HEADER = 38


def whole(prepared: Prepared) -> str:
    return f"/explore?from=-&to={format_instant(prepared.began)}"


def line(screen: Screen, param: str, number: int) -> Locator:
    """A value of a facet."""
    return screen.page.locator(f".st-key-facet_{param}_values .facet-list li").nth(number)


def test_a_query_is_written_refused_with_its_place_and_then_understood(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    failed = [item for item in prepared.entries[HOME] if item.status_code in range(400, 500)]
    screen = open_screen(ADMIN, whole(prepared))
    screen.rows()
    screen.settle()
    box = screen.page.get_by_label("Query", exact=True)
    box.fill("status:[400 TO")
    box.press("Enter")
    expect(screen.page.get_by_text("Query not applied")).to_be_visible()
    expect(screen.page.get_by_text("^", exact=False).first).to_be_visible()
    expect(screen.page).not_to_have_url(re.compile("query="))
    box.fill("status:[400 TO 499]")
    box.press("Enter")
    expect(screen.page.get_by_text(f"{len(failed):,} entries")).to_be_visible()
    expect(screen.page.get_by_text("Query not applied")).to_have_count(0)
    expect(screen.page).to_have_url(re.compile("query=status"))


def test_an_example_of_the_help_becomes_the_query(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, whole(prepared))
    screen.page.locator(".st-key-filter_help").get_by_role("button").click()
    examples = screen.page.locator('[class*="st-key-filter_examples"]').get_by_test_id(
        "stDataFrame"
    )
    expect(examples).to_be_visible()
    place = {"x": 40, "y": HEADER + 30 * 2.5}
    examples.hover(position=place)  # type: ignore[arg-type]
    screen.page.wait_for_timeout(300)
    examples.click(position=place)  # type: ignore[arg-type]
    expect(screen.page).to_have_url(re.compile("query=action"))
    expect(screen.page.get_by_text("action is start or create")).to_be_visible()


def test_facets_check_several_values_keep_one_and_leave_one_out(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    entries = prepared.entries[HOME]
    (action, count), (_, more), *_ = Counter(item.action for item in entries).most_common(2)
    screen = open_screen(ADMIN, whole(prepared))
    screen.rows()
    first, second = (line(screen, "action", number) for number in (0, 1))
    first.get_by_role("checkbox").check()
    expect(screen.page.get_by_text(f"{count:,} entries")).to_be_visible()
    screen.settle()
    second.get_by_role("checkbox").check()
    expect(screen.page.get_by_text(f"{count + more:,} entries")).to_be_visible()
    expect(screen.page).to_have_url(re.compile("action=.*action="))
    expect(second.get_by_text(f"{more:,}", exact=True)).to_be_visible()
    first.hover()
    first.get_by_role("button", name="Keep only").click()
    expect(screen.page.get_by_text(f"{count:,} entries")).to_be_visible()
    screen.settle()
    kept = [item for item in entries if item.action == action]
    (outcome, gone), *_ = Counter(item.outcome for item in kept).most_common(1)
    line(screen, "outcome", 0).hover()
    line(screen, "outcome", 0).get_by_role("button", name="Exclude").click()
    expect(screen.page.get_by_label("Query", exact=True)).to_have_value(f"-outcome:{outcome.value}")
    left = len(kept) - gone
    noun = "entry" if left == 1 else "entries"
    expect(screen.page.get_by_text(f"{left:,} {noun}")).to_be_visible()


def test_hostile_values_in_facets_and_queries_stay_text(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"{whole(prepared)}&query=actor%3A%2Aevil.example%2A")
    expect(screen.page.get_by_text(f"{len(HOSTILE):,} entries")).to_be_visible()
    line(screen, "actor", 0).get_by_role("checkbox").check()
    expect(screen.page.get_by_text("1 entry")).to_be_visible()
    expect(line(screen, "actor", len(HOSTILE) - 1)).to_be_attached()
    screen.settle()
    assert not screen.page.get_by_test_id("stMain").locator("a, img").count()


def test_what_is_being_typed_survives_a_refresh_by_real_time(
    open_screen: OpenScreen, prepared: Prepared, app: str
) -> None:
    screen = open_screen(ADMIN, "/explore?window=1h")
    screen.go_live()
    screen.settle()
    box = screen.page.get_by_label("Query", exact=True)
    box.press_sequentially("action:sta")
    append(app, prepared)
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible()
    screen.settle()
    expect(box).to_have_value("action:sta")
