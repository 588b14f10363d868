"""From a rule that is off to an alert that is closed, and told: the whole loop at the screen."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from standardwebhooks import Webhook

from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import add_account
from audit_core.identity.api_tokens import add_token
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.identity.passwords import generate_password
from audit_core.ingest.records.record import write_record
from audit_core.log.store import utc_now
from audit_core.state.database import open_state
from tests.browser.prepared import Prepared, entry
from tests.browser.screen import BOX_X, HEADER_HEIGHT, ROW_HEIGHT, Screen
from tests.support.receiver import Receiver, receiving

pytestmark = pytest.mark.browser

RULE = "0b6f4b57-6c0e-4f6b-9a8e-2f8f0a6f1d02"
TITLE = "A sandbox was made public"
WEAKENED = "What watches was weakened"
WITHIN_S = 20.0


@dataclass(kw_only=True)
class Watched:
    """An organization of its own: whom it has, and a way to send entries."""

    app: str
    open_context: Callable[[], BrowserContext]
    organization_id: str
    admin: str
    member: str
    token: str = ""
    passwords: dict[str, str] = field(default_factory=dict)

    def screen(self, email: str, path: str) -> Screen:
        """A new browser of a person, signed in."""
        screen = Screen(self.open_context().new_page(), self.app)
        screen.go(path)
        screen.sign_in(email, self.passwords[email])
        return screen

    def send(self, name: str, *, ago: timedelta, **fields: str) -> None:
        """An entry that the rule is about, made a while ago."""
        sent = entry(
            f"{self.organization_id}-{name}",
            utc_now() - ago,
            organization_id=self.organization_id,
            action="update_public_status",
            metadata='{"params":{"isPublic":"true"}}',
            **fields,
        )
        answer = httpx.post(
            f"{self.app}/api/v1/entries",
            content=write_record(sent),
            headers={"authorization": f"Bearer {self.token}"},
            timeout=30,
        )
        assert answer.json()["accepted"] == 1, answer.text


@pytest.fixture
def watched(app: str, prepared: Prepared, open_context: Callable[[], BrowserContext]) -> Watched:
    unique = uuid4().hex[:8]
    made = Watched(
        app=app,
        open_context=open_context,
        organization_id=f"org-{unique}",
        admin=f"watcher-{unique}@example.org",
        member=f"watched-{unique}@example.org",
    )
    url = prepared.environment["SANDTRAIL_STATE_URL"]
    with closing(open_state(url)) as state, state.begin() as connection:
        ensure_organization(connection, organization_id=made.organization_id, name="Watched")
        for email, role in ((made.admin, Role.ADMIN), (made.member, Role.MEMBER)):
            made.passwords[email] = generate_password()
            account = add_account(
                connection,
                email=email,
                name=email.partition("@")[0],
                password=made.passwords[email],
                now=utc_now(),
                cost=4,
            )
            set_membership(
                connection, account_id=account.id, organization_id=made.organization_id, role=role
            )
        _, made.token = add_token(
            connection,
            organization_id=made.organization_id,
            name="collector",
            verbs={Permission.INGEST.value},
            now=utc_now(),
            expires_at=None,
        )
    return made


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def add_webhook(screen: Screen, receiver: Receiver) -> str:
    """A channel that leads to the receiver; its secret."""
    page = screen.page
    screen.go("/notifications")
    page.get_by_text("Add a channel").click()
    page.get_by_label("Address", exact=True).fill(receiver.url)
    press(page, "Add channel")
    dialog = page.get_by_role("dialog")
    secret = dialog.get_by_text(re.compile("^whsec_")).inner_text()
    press(page, "I have copied it")
    expect(dialog).to_have_count(0)
    return secret


def told(screen: Screen, receiver: Receiver, secret: str) -> str:
    """What the first message tells, once it has come, signed."""
    deadline = time.monotonic() + WITHIN_S
    while not receiver.came:
        assert time.monotonic() < deadline
        screen.page.wait_for_timeout(100)
    _, headers, body = receiver.came[0]
    Webhook(secret).verify(body, headers)
    return str(json.loads(body)["type"])


def test_a_rule_is_tried_and_switched_on_and_what_it_finds_is_told_and_worked_off(
    watched: Watched,
) -> None:
    admin = watched.admin
    watched.send("before", ago=timedelta(days=2))
    screen = watched.screen(admin, f"/rules?rule={RULE}")
    page = screen.page
    with receiving() as receiver:
        press(page, "Backtest")
        expect(page.get_by_text("1 alert", exact=True)).to_be_visible()
        press(page, "Switch on")
        expect(page.get_by_role("button", name="Switch off")).to_be_visible()
        secret = add_webhook(screen, receiver)

        screen.go("/alerts")
        expect(page.get_by_text("No alert waits for anybody.")).to_be_visible()
        watched.send("after", ago=timedelta(seconds=1))
        screen.rows(lambda rows: any(TITLE in row for row in rows))
        assert told(screen, receiver, secret) == "alert.raised"

        screen.click_row(0)
        expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
        press(page, "Acknowledge")
        expect(page.get_by_text(f"{admin}: open → acknowledged.")).to_be_visible()
        press(page, "Assign")
        page.get_by_role("combobox", name="To whom").click()
        page.get_by_role("option", name=admin).click()
        page.get_by_test_id("stPopoverBody").get_by_role("button", name="Assign").click()
        expect(page.get_by_text(f"{admin} assigned it to {admin}.")).to_be_visible()
        page.get_by_role("textbox", name="Comment", exact=True).fill("Is it meant to be?")
        press(page, "Add comment")
        expect(page.get_by_text("Is it meant to be?")).to_be_visible()
        # Of what is said in passing there is a button with the same name.
        page.get_by_test_id("stMain").get_by_role("button", name="Close", exact=True).click()
        body = page.get_by_test_id("stPopoverBody")
        body.get_by_text("Benign").click()
        body.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_text(f"{admin} closed it: benign.")).to_be_visible()

    member = watched.screen(watched.member, "/alerts").page
    expect(member.get_by_text("read:audit_logs").first).to_be_visible()
    expect(member.get_by_role("link", name="Alerts")).to_have_count(0)
    expect(member.get_by_text(TITLE)).to_have_count(0)


def test_what_explore_shows_becomes_a_rule_and_its_alerts_are_worked_off_together(
    watched: Watched,
) -> None:
    screen = watched.screen(watched.admin, "/explore?window=7d&action=update_public_status")
    page = screen.page
    press(page, "Alert me")
    page.get_by_role("textbox", name="Name", exact=True).fill("Opened to all")
    press(page, "Open in the editor")
    expect(page.get_by_text("Medium: ")).to_be_visible()
    press(page, "Save rule")
    expect(page.get_by_role("heading", name="Opened to all")).to_be_visible()
    rule = page.url

    for actor in ("user-1", "user-2"):
        watched.send(actor, ago=timedelta(seconds=1), actor_id=actor, actor_email="")
    screen.go("/alerts")
    rows = screen.rows(lambda rows: sum("Opened to all" in row for row in rows) == 2)
    assert {who for row in rows for who in row if who.startswith("user-")} == {"user-1", "user-2"}
    # What is picked does not move the boxes of the others from under the pointer.
    before = screen.table.bounding_box()
    for number in range(2):
        screen.click_at(screen.table, BOX_X, HEADER_HEIGHT + ROW_HEIGHT * (number + 0.5))
        expect(page.get_by_text(f"{number + 1} picked.")).to_be_visible()
    screen.settle()
    assert screen.table.bounding_box() == before
    press(page, "Acknowledge")
    screen.rows(lambda rows: sum("Acknowledged" in row for row in rows) == 2)

    # That nobody is told any more is told by a rule over the access record.
    page.goto(rule)
    press(page, "Switch off")
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    screen.go("/alerts")
    screen.rows(lambda rows: any(WEAKENED in row for row in rows))
