"""A source at the screen, from its first test on: it fills, breaks, is mended and catches up."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from audit_core.domain.access import Role
from audit_core.identity.accounts import add_account
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.identity.passwords import generate_password
from audit_core.log.store import utc_now
from audit_core.state.database import open_state
from tests.browser.prepared import Prepared
from tests.browser.screen import Screen
from tests.support.daytona_model import DaytonaModel, past_rows
from tests.support.daytona_server import served

pytestmark = pytest.mark.browser

ORGANIZATION, PERSON = "org-pulled", "puller@example.org"
PAST = 450
KEY, OTHER_KEY = "dtn_first", "dtn_second"


@pytest.fixture
def screen(app: str, prepared: Prepared, open_context: Callable[[], BrowserContext]) -> Screen:
    """Somebody who manages an organization that no other test counts the entries of."""
    password = generate_password()
    url = prepared.environment["SANDTRAIL_STATE_URL"]
    with closing(open_state(url)) as state, state.begin() as connection:
        ensure_organization(connection, organization_id=ORGANIZATION, name="Pulled")
        account = add_account(
            connection, email=PERSON, name="P", password=password, now=utc_now(), cost=4
        )
        set_membership(
            connection, account_id=account.id, organization_id=ORGANIZATION, role=Role.ADMIN
        )
    screen = Screen(open_context().new_page(), app)
    screen.go("/sources")
    screen.sign_in(PERSON, password)
    return screen


def add_row(model: DaytonaModel, number: int) -> None:
    (row,) = past_rows(1)
    row.item |= {"id": f"new-{number}", "organizationId": ORGANIZATION}
    row.created_at = row.visible_at = row.finished_at = datetime.now(UTC)
    model.rows.append(row)


def accepted(main: Locator, count: int) -> None:
    expect(main.get_by_text(re.compile(rf"^{count:,} accepted"))).to_be_visible()


def test_a_source_is_tested_fills_breaks_is_mended_catches_up_and_pauses(screen: Screen) -> None:
    model = DaytonaModel(rows=past_rows(PAST), seed=1, organization_id=ORGANIZATION, key=KEY)
    for row in model.rows:
        row.item["organizationId"] = ORGANIZATION
    page = screen.page
    main = page.get_by_test_id("stMain")
    with served(model) as url:
        page.get_by_role("button", name="Add a source").click()
        form = page.get_by_role("dialog")
        form.get_by_role("textbox", name="API key").fill(KEY)
        form.get_by_label("API URL").fill("http://127.0.0.1:9/www.evil.example")
        form.get_by_role("button", name="Test", exact=True).click()
        expect(form.get_by_text("cannot be reached")).to_be_visible()
        expect(form.get_by_role("link")).to_have_count(0)
        form.get_by_label("API URL").fill(url)
        form.get_by_label("Requests a minute, at most").fill("6000")
        form.get_by_role("button", name="Test", exact=True).click()
        expect(form.get_by_text(re.compile(f"^{PAST} entries, the oldest of"))).to_be_visible()
        form.get_by_role("button", name="Start", exact=True).click()
        expect(form).to_have_count(0)
        accepted(main, PAST)

        add_row(model, 1)
        accepted(main, PAST + 1)
        model.key = OTHER_KEY
        expect(main.get_by_text("does not accept the key (401)").last).to_be_visible()
        expect(main.get_by_text("give it to this source").last).to_be_visible()
        expect(main.get_by_text(re.compile("Stopped$"))).to_be_visible()

        add_row(model, 2)
        screen.settle()
        test = main.get_by_role("button", name="Test", exact=True)
        test.click()
        expect(main.get_by_text("does not accept the key (401)")).to_have_count(2)
        page.get_by_role("button", name="New key").click()
        page.get_by_role("textbox", name="API key").fill(OTHER_KEY)
        page.get_by_role("button", name="Save key").click()
        accepted(main, PAST + 2)
        expect(main.get_by_text(re.compile("Read$"))).to_be_visible()
        test.click()
        expect(main.get_by_text(re.compile(f"^{PAST + 2} entries, the oldest of"))).to_be_visible()

        screen.settle()
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(main.get_by_text(re.compile("Paused$"))).to_be_visible()
        add_row(model, 3)
        page.get_by_role("button", name="Resume", exact=True).click()
        accepted(main, PAST + 3)
    screen.go("/explore?window=all")
    assert screen.count() == f"{PAST + 3} entries"
