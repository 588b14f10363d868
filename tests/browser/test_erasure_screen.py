"""A person's data is erased by two admins, each at a browser of their own."""

from __future__ import annotations

from datetime import timedelta

import httpx
from playwright.sync_api import Page, expect

from audit_core.ingest.records.record import write_record
from audit_core.log.store import utc_now
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, AUDITOR, BOTH, HOME_NAME, Prepared, entry
from tests.browser.screen import Screen

EVE, EVE_ID = "eve.erased@example.org", "user-eve-erased"
HOSTILE = "Request 7 <img src=x onerror=alert(1)> :red[x]"


def send(app: str, prepared: Prepared) -> None:
    """An entry of the person, and one that names her."""
    now = utc_now() - timedelta(minutes=1)
    entries = [
        entry("by-eve", now, actor_id=EVE_ID, actor_email=EVE, target_id="box-of-eve"),
        entry("about-eve", now, metadata=f'{{"body":{{"email":"{EVE}"}}}}', target_id="box-2"),
    ]
    answer = httpx.post(
        f"{app}/api/v1/entries",
        content="\n".join(map(write_record, entries)),
        headers={"authorization": f"Bearer {prepared.token}"},
        timeout=30,
    )
    assert answer.json()["accepted"] == 2, answer.text


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def choose_home(screen: Screen) -> None:
    """Look at the organization that the other admin is in."""
    chooser = screen.page.get_by_role("combobox", name="Organization")
    expect(chooser).to_be_visible()
    if chooser.input_value() != HOME_NAME:
        chooser.click()
        screen.page.get_by_role("option", name=HOME_NAME).click()
        expect(chooser).to_have_value(HOME_NAME)
        screen.settle()
        screen.go("/erasure")


def test_one_asks_another_confirms_and_nothing_shows_the_person_any_more(
    open_screen: OpenScreen, app: str, prepared: Prepared
) -> None:
    send(app, prepared)
    asking = open_screen(ADMIN, "/erasure")
    page = asking.page
    page.get_by_label("E-mail address, or id of an actor").fill(EVE.upper())
    press(page, "Find")
    expect(page.get_by_text("1 entry of the person, of")).to_be_visible()
    page.get_by_role("textbox", name="Reason").fill(HOSTILE)
    press(page, "Ask for the erasure")
    expect(page.get_by_text("Another admin has to confirm it.")).to_be_visible()
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    expect(page.get_by_role("button", name="Confirm or refuse")).to_have_count(0)

    confirming = open_screen(BOTH, "/erasure")
    page = confirming.page
    choose_home(confirming)
    press(page, "Confirm or refuse")
    confirmed = page.get_by_label("To confirm, type one of these names")
    confirmed.fill("somebody@example.org")
    press(page, "Erase the data")
    expect(page.get_by_text("What was typed is not an address or id")).to_be_visible()
    confirmed.fill(EVE)
    press(page, "Erase the data")
    # The app does it by itself, and both pages say so without being touched.
    for admin in (page, asking.page):
        expect(admin.get_by_text("Erased, old bytes left")).to_be_visible(timeout=40_000)
        expect(admin.get_by_text(EVE)).to_have_count(0)

    screen = open_screen(AUDITOR, "/explore?window=1h&query=target:box-of-eve")
    (row,) = screen.rows(lambda rows: len(rows) == 1)
    assert "eve" not in " ".join(row).replace("box-of-eve", "").casefold()
    assert "erased:" in " ".join(row)
    screen.click_row(0)
    expect(screen.page.get_by_text(f"asked by {ADMIN}, confirmed by {BOTH}")).to_be_visible()


def test_who_is_no_admin_does_not_get_there(open_screen: OpenScreen) -> None:
    page = open_screen(AUDITOR, "/erasure").page
    expect(page.get_by_text("manage:access")).to_be_visible()
    expect(page.get_by_label("E-mail address, or id of an actor")).to_have_count(0)
