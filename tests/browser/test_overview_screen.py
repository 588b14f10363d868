from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from audit_core.query.time.windows import format_instant
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, HOME, Prepared
from tests.browser.screen import OUTCOME

pytestmark = pytest.mark.browser

CHARTS = 8


def test_every_chart_is_drawn_with_a_sentence_for_those_who_do_not_see_it(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    count = len(prepared.entries[HOME])
    screen = open_screen(ADMIN, f"/?from=-&to={format_instant(prepared.began)}")
    charts = screen.page.get_by_test_id("stPlotlyChart")
    expect(charts).to_have_count(CHARTS)
    for number in range(CHARTS):
        chart = charts.nth(number)
        chart.scroll_into_view_if_needed()
        expect(chart.locator("svg.main-svg").first).to_be_visible()
        expect(chart).to_have_attribute("aria-label", re.compile(r"^\w[^<>]{20,}\.$"))
    expect(screen.page.get_by_label(f"Outcomes over time: {count:,} entries")).to_be_attached()
    expect(screen.page.get_by_test_id("stMetricValue").first).to_have_text(f"{count:,}")


def test_the_filter_goes_along_to_explore_and_back(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, "/?window=90d&outcome=client_error")
    expect(screen.page.get_by_text("outcome Client error")).to_be_visible()
    screen.page.get_by_role("link", name="Explore").click()
    expect(screen.page).to_have_url(re.compile(r"/explore\?.*outcome=client_error"))
    rows = screen.rows(
        lambda rows: bool(rows) and all("Client error" in row[OUTCOME] for row in rows)
    )
    screen.page.get_by_role("link", name="Overview").click()
    expect(screen.page).to_have_url(re.compile(r"/\?.*outcome=client_error"))
    expect(screen.page.get_by_test_id("stMetricValue").first).not_to_have_text("0")
    assert rows


def test_what_is_unusual_leads_to_exactly_its_entries(open_screen: OpenScreen) -> None:
    screen = open_screen(ADMIN, "/")
    page = screen.page
    expect(page.get_by_role("heading", name="Unusual this week")).to_be_visible()
    row = page.get_by_test_id("stHorizontalBlock").filter(
        has_text=re.compile("for the first time, since")
    )
    told = re.search(r": ([\d,]+) entr(y|ies)\b", row.first.inner_text())
    assert told is not None
    row.first.get_by_role("link", name="Entries").click()
    expect(page).to_have_url(re.compile(r"/explore\?.*from=.*actor="))
    screen.rows()
    assert screen.count().split()[0] == told[1]


SERIES = """chart => chart.data.map(trace => [trace.meta, trace.visible ?? true])"""


def test_a_series_that_is_hidden_in_the_legend_stays_hidden(open_screen: OpenScreen) -> None:
    screen = open_screen(ADMIN, "/?window=all")
    chart = screen.page.locator(".st-key-drag_outcomes_over_time .js-plotly-plot")

    def hidden() -> list[str]:
        return [name for name, visible in chart.evaluate(SERIES) if visible == "legendonly"]

    chart.locator(".legendtoggle").first.click()
    expect(chart.locator(".traces").first).to_have_css("opacity", "0.5")
    screen.settle()
    assert hidden() == ["success"]
    screen.page.get_by_role("button", name="Refresh").click()
    screen.settle()
    assert hidden() == ["success"]
    screen.page.get_by_role("link", name="Explore").click()
    screen.rows()
    expect(chart.locator(".traces").first).to_have_css("opacity", "0.5")
    assert hidden() == ["success"]
    chart.locator(".legendtoggle").first.click()
    expect(chart.locator(".traces").first).to_have_css("opacity", "1")
    screen.settle()
    assert hidden() == []
