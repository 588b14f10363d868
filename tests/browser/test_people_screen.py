from __future__ import annotations

import re
from collections import Counter
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, HOME, HOSTILE, MEMBER, Prepared
from tests.browser.screen import ROW_HEIGHT, Screen

pytestmark = pytest.mark.browser

TICKS = """chart =>
    [...chart.querySelectorAll('.xtick')].map(tick => tick.textContent).sort().join('|')"""
CHANGED = f"([chart, before, wanted]) => wanted === (({TICKS})(chart) !== before)"


def busiest(prepared: Prepared) -> tuple[str, str]:
    """Id and e-mail address of the person with most entries; services may have more."""
    counts = Counter(
        (entry.actor_id, entry.actor_email) for entry in prepared.entries[HOME] if entry.actor_email
    )
    return counts.most_common(1)[0][0]


def timeline(screen: Screen) -> Locator:
    chart = screen.page.get_by_test_id("stPlotlyChart").first
    expect(chart).to_have_attribute("aria-label", re.compile(r"^Timeline from "))
    expect(chart.locator(".scatterlayer .point").first).to_be_visible()
    screen.settle()
    return chart


def press_a_mark(screen: Screen, chart: Locator) -> None:
    """Click on the first mark that Plotly knows the pointer to be over: it clicks on no other."""
    marks = chart.locator(".scatterlayer .point")
    for number in range(min(marks.count(), 20)):
        mark = marks.nth(number).bounding_box()
        if mark is None:
            continue
        x, y = mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2
        screen.page.mouse.move(x - 40, y + 10)
        screen.page.mouse.move(x, y, steps=8)
        screen.page.wait_for_timeout(700)
        if chart.locator(".hoverlayer .hovertext").count():
            screen.page.mouse.down()
            screen.page.mouse.up()
            return
    pytest.fail("Plotly knows of no mark under the pointer")


def test_a_person_is_opened_the_timeline_zoomed_and_a_click_leads_to_explore(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    actor_id, email = busiest(prepared)
    screen = open_screen(ADMIN, "/people?from=-")
    rows = screen.rows(lambda rows: any(row[0] == email for row in rows))
    number = [row[0] for row in rows].index(email)
    box = screen.table.bounding_box()
    assert box is not None
    screen.page.mouse.click(box["x"] + 60, box["y"] + 55 + number * ROW_HEIGHT)
    expect(screen.page).to_have_url(re.compile(f"person={re.escape(quote(actor_id))}"))
    expect(screen.page.get_by_text(email, exact=True).first).to_be_visible()

    chart = timeline(screen)
    before = chart.evaluate(TICKS)
    area = chart.locator(".nsewdrag").first.bounding_box()
    assert area is not None
    y = area["y"] + 60
    screen.page.mouse.move(area["x"] + area["width"] * 0.55, y)
    screen.page.mouse.down()
    screen.page.mouse.move(area["x"] + area["width"] * 0.95, y + 15, steps=6)
    screen.page.mouse.up()
    screen.page.wait_for_function(CHANGED, arg=[chart.element_handle(), before, True])
    chart.locator("[data-title='Reset axes']").click()
    screen.page.wait_for_function(CHANGED, arg=[chart.element_handle(), before, False])

    # Plotly would take a click that follows at once for one half of a double click.
    screen.page.wait_for_timeout(600)
    press_a_mark(screen, chart)
    expect(screen.page).to_have_url(re.compile(r"/explore\?.*actor="))
    rows = screen.rows(lambda rows: bool(rows) and all(email in row for row in rows))
    assert rows


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_actor_is_only_text(open_screen: OpenScreen, number: int) -> None:
    screen = open_screen(ADMIN, f"/people?{urlencode({'from': '-', 'person': HOSTILE[number]})}")
    timeline(screen)
    expect(screen.page.get_by_role("heading", name="Sessions")).to_be_visible()


def test_a_member_may_not_open_it_until_it_is_allowed(open_screen: OpenScreen) -> None:
    screen = open_screen(MEMBER, "/people")
    expect(screen.page.get_by_text("You do not have access to this page")).to_be_visible()
    expect(screen.page.get_by_text("read:own_audit_logs")).to_be_visible()
