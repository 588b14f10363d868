from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from audit_core.domain.entries import Outcome
from audit_core.ingest.records.record import write_record
from audit_core.log.store import utc_now
from audit_core.query.time.windows import format_instant, written
from audit_core.state.database import open_state
from audit_core.state.tables import session
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import (
    ADMIN,
    AUDITOR,
    BOTH,
    HOME,
    HOME_NAME,
    OTHER,
    OTHER_NAME,
    Prepared,
    entry,
)
from tests.browser.screen import OUTCOME, TARGET, TIME

pytestmark = pytest.mark.browser

NEW_WITHIN_MS = 5_000


def fixed(prepared: Prepared) -> str:
    """A window that holds all that was prepared, and nothing that a test adds."""
    return f"from=-&to={format_instant(prepared.began)}"


def append(app: str, prepared: Prepared) -> str:
    """An entry that another program sends; its target."""
    target = f"box-{uuid4().hex[:12]}"
    answer = httpx.post(
        f"{app}/api/v1/entries",
        content=write_record(entry(target, datetime.now(UTC))),
        headers={"authorization": f"Bearer {prepared.token}"},
    )
    assert answer.json()["accepted"] == 1, answer.text
    return target


def test_filtering_by_outcomes_one_after_the_other_narrows_the_table_and_the_address(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    failed = [item for item in prepared.entries[HOME] if item.outcome is Outcome.SERVER_ERROR]
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    expect(screen.page.get_by_text(f"{len(prepared.entries[HOME]):,} entries")).to_be_visible()
    screen.page.get_by_role("button", name="Filters").click()
    screen.page.get_by_role("combobox", name="Outcome", exact=True).click()
    screen.page.get_by_role("option", name="Server error").click()
    expect(screen.page).to_have_url(re.compile("outcome=server_error"))
    expect(screen.page.get_by_text(f"{len(failed):,} entries")).to_be_visible()
    times = [written(item.created_at, "UTC") for item in failed[::-1]]
    rows = screen.rows(
        lambda rows: bool(rows) and [row[TIME] for row in rows] == times[: len(rows)]
    )
    assert {row[OUTCOME].split(" · ")[0] for row in rows} == {"Server error"}
    screen.page.get_by_role("combobox", name="Outcome", exact=True).click()
    screen.page.get_by_role("option", name="In flight").click()
    expect(screen.page).to_have_url(re.compile("outcome=in_flight&outcome=server_error"))


def test_a_row_opens_its_entry_escape_closes_it_and_the_same_row_opens_again(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    newest_first = prepared.entries[HOME][::-1]
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    screen.rows()
    for row in (2, 2):
        screen.click_row(row)
        wanted = newest_first[row].id
        expect(screen.page).to_have_url(re.compile(f"entry={wanted}"))
        expect(screen.drawer.locator("[role=gridcell]", has_text=wanted)).to_be_attached()
        screen.settle()
        screen.page.keyboard.press("Escape")
        expect(screen.drawer).to_have_count(0)
        expect(screen.page).not_to_have_url(re.compile("entry="))
        screen.settle()


def test_the_back_button_restores_the_view_before(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}&outcome=client_error")
    expect(screen.page.get_by_text("outcome Client error")).to_be_visible()
    before = screen.count()
    screen.rows()
    screen.click_row(0)
    screen.drawer.get_by_role("button", name="All entries by this user").click()
    expect(screen.page).to_have_url(re.compile("actor="))
    expect(screen.page.locator(".st-key-filter_chips").get_by_text("user ")).to_be_visible()
    screen.settle()
    screen.page.go_back()
    expect(screen.page.get_by_text("outcome Client error")).to_be_visible()
    expect(screen.page.get_by_text(before)).to_be_visible()
    expect(screen.page).not_to_have_url(re.compile("actor="))


def test_real_time_shows_what_another_program_adds_and_a_pause_holds_still(
    open_screen: OpenScreen, prepared: Prepared, app: str
) -> None:
    screen = open_screen(AUDITOR, "/explore?window=1h")
    screen.go_live()

    first = append(app, prepared)
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible(
        timeout=NEW_WITHIN_MS
    )
    rows = screen.rows(lambda rows: f"sandbox {first}" in rows[0])
    assert rows[0][0] == "new"
    assert [row[0] for row in rows[1:]] == [""] * len(rows[1:])

    screen.page.get_by_role("button", name="Pause").click()
    expect(screen.page.get_by_text("paused")).to_be_visible()
    second = append(app, prepared)
    screen.page.wait_for_timeout(2_500)
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible()
    assert second not in str(screen.rows())

    screen.page.get_by_role("button", name="Resume").click()
    expect(screen.page.get_by_text("2 new since you switched on")).to_be_visible(
        timeout=NEW_WITHIN_MS
    )
    rows = screen.rows(lambda rows: f"sandbox {second}" in rows[0])
    assert [row[0] for row in rows[:3]] == ["new", "new", ""]


def test_what_is_read_stays_while_others_write_with_real_time_and_without(
    open_screen: OpenScreen, prepared: Prepared, app: str
) -> None:
    screen = open_screen(AUDITOR, "/explore?window=1h")
    first = screen.rows()[0]
    append(app, prepared)
    waiting = screen.page.get_by_role("button", name="1 new: refresh")
    expect(waiting).to_be_visible()
    assert screen.rows()[0][TARGET] == first[TARGET]
    waiting.click()
    screen.rows(lambda rows: bool(rows) and rows[0][TARGET] != first[TARGET])
    expect(waiting).to_have_count(0)

    screen.go_live()
    screen.settle()
    # What is new is marked in a column before the others.
    before = screen.rows()[1][TARGET + 1]
    screen.click_row(1)
    expect(screen.drawer.get_by_text("As JSON")).to_be_attached()
    screen.settle()
    screen.drawer.evaluate("drawer => { drawer.dataset.same = 'yes'; }")
    append(app, prepared)
    expect(screen.page.get_by_text("1 new · the list waits")).to_be_visible()
    expect(screen.drawer).to_have_attribute("data-same", "yes")
    marked = screen.page.locator(".entry-list [aria-selected=true] .column-target")
    expect(marked).to_have_text(before)
    screen.page.keyboard.press("Escape")
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible()


def test_an_entry_of_another_organization_is_not_there_whatever_the_address_says(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    foreign = prepared.entries[OTHER][-1]
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}&entry={foreign.id}")
    expect(screen.drawer.get_by_text("There is no entry with this id")).to_be_visible()
    assert foreign.actor not in screen.drawer.inner_text()
    screen.go(f"/explore?window=all&organization={OTHER}")
    expect(screen.page).to_have_title("Explore · All time · Sandtrail")
    expect(screen.page.get_by_text("does not know: “organization”")).to_be_visible()


def test_switching_the_organization_shows_the_other_one_only(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(BOTH, f"/explore?{fixed(prepared)}")
    for organization_id, name in ((OTHER, OTHER_NAME), (HOME, HOME_NAME)):
        chooser = screen.page.get_by_role("combobox", name="Organization")
        if chooser.input_value() != name:
            chooser.click()
            screen.page.get_by_role("option", name=name).click()
            expect(chooser).to_have_value(name)
            screen.settle()
            screen.go(f"/explore?{fixed(prepared)}")
        entries = prepared.entries[organization_id]
        expect(screen.page.get_by_text(f"{len(entries):,} entries")).to_be_visible()
        times = [written(item.created_at, "UTC") for item in entries[::-1][:5]]
        screen.rows(lambda rows, times=times: [row[TIME] for row in rows[:5]] == times)


def test_what_real_time_does_by_itself_does_not_keep_the_session_alive(
    open_screen: OpenScreen, prepared: Prepared, app: str
) -> None:
    screen = open_screen(ADMIN, "/explore?window=15m")
    screen.go_live()
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    earlier = utc_now() - timedelta(minutes=30)
    with state.begin() as connection:
        connection.execute(session.update().values(last_seen_at=earlier))
    append(app, prepared)
    expect(screen.page.get_by_text("1 new since you switched on")).to_be_visible(
        timeout=NEW_WITHIN_MS
    )
    with state.read() as connection:
        assert set(connection.execute(select(session.c.last_seen_at)).scalars()) == {earlier}
    screen.page.get_by_role("button", name="Pause").click()
    expect(screen.page.get_by_text("paused")).to_be_visible()
    with state.read() as connection:
        assert max(connection.execute(select(session.c.last_seen_at)).scalars()) > earlier
    state.close()


def test_a_link_to_another_page_is_followed_out_of_an_open_menu_and_a_query_underway(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    page = screen.page

    def leave(path: str) -> None:
        # Both tell the server that they were left, and may call the page back.
        screen.settle()
        page.get_by_role("link", name=path.capitalize()).click()
        expect(page).to_have_url(re.compile(rf"/{path}\?.*from=-"))

    for menu in ("Filters", "Download"):
        page.get_by_role("button", name=menu, exact=True).click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        leave("sandboxes")
        page.get_by_role("link", name="Explore").click()
        screen.rows()
    page.get_by_label("Query").press_sequentially("act")
    expect(page.get_by_role("option").first).to_be_visible()
    leave("people")
