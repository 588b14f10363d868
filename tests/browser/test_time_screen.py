from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, AUDITOR, Prepared
from tests.browser.test_explore_screen import NEW_WITHIN_MS, append, fixed

pytestmark = pytest.mark.browser

CHART = ".st-key-explore_chart .stPlotlyChart"
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_a_drag_zooms_in_and_a_double_click_goes_back(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, "/explore?window=30d&stack=action")
    screen.rows()
    screen.settle()
    chart = screen.page.locator(CHART)
    expect(chart).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    y, mouse = box["y"] + box["height"] * 0.5, screen.page.mouse
    mouse.move(box["x"] + box["width"] * 0.3, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.6, y + 4, steps=8)
    mouse.up()
    expect(screen.page).to_have_url(re.compile(r"from=.*&to=.*stack=action"))
    expect(screen.page.get_by_role("button", name="Zoom out")).to_be_visible()
    screen.settle()
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    screen.page.wait_for_timeout(1_200)
    mouse.dblclick(box["x"] + box["width"] - 4, box["y"] + box["height"] * 0.5)
    expect(screen.page).to_have_url(re.compile("window=30d"))
    expect(screen.page.get_by_role("button", name="Zoom out")).to_have_count(0)


def test_a_click_on_a_bar_narrows_to_its_time_and_outcome(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, "/explore?window=30d")
    screen.rows()
    screen.settle()
    bars = screen.page.locator(f"{CHART} .barlayer .trace").first.locator(".point path")
    expect(bars.first).to_be_visible()
    boxes = [box for bar in bars.all() if (box := bar.bounding_box())]
    tallest = max(boxes, key=lambda box: box["height"])
    screen.page.mouse.click(
        tallest["x"] + tallest["width"] / 2, tallest["y"] + tallest["height"] / 2
    )
    expect(screen.page).to_have_url(re.compile(r"from=.*&to=.*outcome=success"))
    expect(screen.page.get_by_role("button", name="Zoom out")).to_be_visible()


def test_keys_focus_the_query_and_turn_pages_but_not_while_typing(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    screen.rows()
    screen.settle()
    keyboard = screen.page.keyboard
    keyboard.press("ArrowRight")
    expect(screen.page).to_have_url(re.compile("at=older"))
    screen.settle()
    keyboard.press("ArrowLeft")
    expect(screen.page).to_have_url(re.compile("at=newer"))
    screen.settle()
    keyboard.press("/")
    query = screen.page.get_by_label("Query", exact=True)
    expect(query).to_be_focused()
    keyboard.type("r/")
    keyboard.press("ArrowLeft")
    expect(query).to_have_value("r/")


def test_a_hidden_tab_asks_nothing_and_catches_up_when_it_is_seen(
    open_screen: OpenScreen, prepared: Prepared, app: str
) -> None:
    screen = open_screen(AUDITOR, "/explore?window=1h")
    screen.go_live()
    screen.settle()
    screen.page.evaluate(HIDE, True)
    screen.page.wait_for_timeout(500)
    asked: list[str] = []
    screen.page.on("request", lambda request: asked.append(request.url))
    append(app, prepared)
    screen.page.wait_for_timeout(4_500)
    assert [url for url in asked if "/api/v1/head" in url] == []
    screen.page.evaluate(HIDE, False)
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible(
        timeout=NEW_WITHIN_MS
    )
    screen.page.get_by_role("button", name="Clear", exact=True).click()
    expect(screen.page.get_by_text("0 new since you cleared")).to_be_visible()
