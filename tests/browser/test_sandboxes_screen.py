from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from audit_core.starts.support_bundle import TITLES
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, AUDITOR, HOME, Prepared

pytestmark = pytest.mark.browser


def test_from_a_failed_start_to_its_group_its_suspects_and_the_trace(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, "/sandboxes?window=90d")
    page = screen.page
    expect(page.get_by_test_id("stMetricValue").first).not_to_have_text("0")
    rows = screen.rows()
    assert any("no use in between" in row[5] or "answered" in row[5] for row in rows)

    page.get_by_role("radio", name="Groups").click()
    expect(page).to_have_url(re.compile(r"list=groups"))
    screen.settle()
    screen.rows(lambda rows: bool(rows) and rows[0][3].isdigit())
    screen.click_row(0)
    expect(page).to_have_url(re.compile(r"group=[0-9a-f]{32}"))
    expect(page.get_by_role("heading", name="Suspects")).to_be_visible()
    suspects = page.get_by_role("region", name=re.compile("What the failures have in common"))
    expect(suspects).to_be_attached()

    page.get_by_role("radio", name="Sandboxes").click()
    expect(page).to_have_url(re.compile(r"list=targets"))
    screen.settle()
    screen.rows(lambda rows: bool(rows) and len(rows[0]) == 7)
    screen.click_row(0)
    expect(page).to_have_url(re.compile(r"sandbox="))
    expect(page.get_by_label(re.compile(r"^States of the sandbox over time"))).to_be_attached()
    expect(page.get_by_role("heading", name="All its entries")).to_be_visible()

    name, content = screen.download("Support bundle")
    assert re.fullmatch(r"failed-start-\d{8}-\d{6}\.md", name)
    text = content.decode("utf-8")
    assert text.startswith(tuple(f"# {title}\n" for title in TITLES.values()))
    assert "## Earlier attempts on the same sandbox" in text
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    with state.read() as connection:
        (event,) = list_events(
            connection, organization_id=HOME, verb="support_bundle.downloaded", limit=9
        )
    state.close()
    assert (event.actor, event.address) == (ADMIN, "127.0.0.1")
    assert str(event.detail["entry"]) in text

    page.get_by_role("button", name="Back to the list").click()
    expect(page).not_to_have_url(re.compile(r"sandbox="))


def test_who_may_not_manage_opens_the_page_too(open_screen: OpenScreen) -> None:
    screen = open_screen(AUDITOR, "/sandboxes?window=90d")
    expect(screen.page.get_by_test_id("stMetric")).to_have_count(4)
