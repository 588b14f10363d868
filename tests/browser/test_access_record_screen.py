from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from audit_core.query.time.windows import written
from audit_core.state.access_log.record import record
from audit_core.state.database import open_state
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import AUDITOR, HOME, OTHER, Prepared

pytestmark = pytest.mark.browser

COUNT = 60


def fill(prepared: Prepared) -> None:
    """Deeds of a day before anything else was recorded, which only this test asks for."""
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    with state.begin() as connection:
        for number in range(COUNT):
            for organization_id in (HOME, OTHER):
                record(
                    connection,
                    at=prepared.began - timedelta(days=3, minutes=number),
                    verb="token.revoked" if number % 2 else "token.added",
                    actor="=cmd()|carol@example.org",
                    organization_id=organization_id,
                    address=f"192.0.2.{number}",
                    detail={"name": f"{'own' if organization_id == HOME else 'foreign'} {number}"},
                )
    state.close()


def test_an_auditor_filters_pages_opens_and_downloads_the_access_record(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    fill(prepared)
    screen = open_screen(AUDITOR, "/access_record?query=actor:*carol*")
    expect(screen.page.get_by_text(f"{COUNT} events")).to_be_visible()
    newest = written(prepared.began - timedelta(days=3), "UTC")
    screen.rows(lambda rows: bool(rows) and rows[0][0] == newest)

    box = screen.page.get_by_role("combobox", name="Query")
    box.fill("actor:*carol* action:token.added")
    box.press("Enter")
    expect(screen.page.get_by_text("30 events")).to_be_visible()
    screen.settle()
    screen.page.get_by_role("button", name="Older").click()
    expect(screen.page).to_have_url(re.compile("at=older"))
    rows = screen.rows(lambda rows: bool(rows) and rows[0][4] == "own 50")
    assert [row[4] for row in rows] == [f"own {number}" for number in range(50, 60, 2)]

    screen.settle()
    screen.click_row(1)
    expect(screen.drawer.get_by_text("Added an API token.")).to_be_visible()
    expect(screen.page).to_have_url(re.compile("event=[0-9a-f]{32}"))
    screen.settle()
    screen.page.keyboard.press("Escape")
    expect(screen.drawer).to_have_count(0)
    screen.settle()

    screen.page.get_by_role("button", name="Download", exact=True).click()
    name, content = screen.download("CSV")
    assert name.startswith("access-record_")
    found = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    assert [row["target"] for row in found] == [f"own {number}" for number in range(58, -1, -2)]
    assert {row["actor"] for row in found} == {"'=cmd()|carol@example.org"}


def test_a_query_of_the_record_is_completed_while_it_is_typed(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(AUDITOR, "/access_record")
    screen.settle()
    box = screen.page.get_by_role("combobox", name="Query")
    lines = screen.page.locator("#query-suggestions").get_by_role("option")
    box.press_sequentially("act")
    expect(lines).to_have_text([re.compile("^actor"), re.compile("^action")])
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("action:")
    expect(lines.filter(has_text="Signed in with the right password.")).to_be_visible()
    box.press_sequentially("in.acc")
    expect(lines).to_have_text([re.compile("^sign_in.accepted")])
    box.press("ArrowDown")
    box.press("Tab")
    expect(box).to_have_value("action:sign_in.accepted ")
    box.press("Enter")
    expect(screen.page).to_have_url(re.compile("query=action"))
    screen.rows(lambda rows: bool(rows) and {row[2] for row in rows} == {"sign_in.accepted"})
