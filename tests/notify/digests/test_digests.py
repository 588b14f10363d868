"""A digest comes once a day at the member's own time, while they may see alerts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default as by_default

import pytest
from sqlalchemy import Connection

from audit_core.domain.access import Role
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AccountError, AuditError
from audit_core.identity.accounts import add_account, set_membership
from audit_core.identity.memberships import end_membership
from audit_core.notify.delivery.retry_schedule import Delivered
from audit_core.notify.digests.content import Digest, DigestAlert, digest_body, digest_subject
from audit_core.notify.digests.running import RunningDigests, send_digest
from audit_core.notify.digests.subscription import (
    Subscription,
    due_digests,
    subscribe,
    subscription_of,
    unsubscribe,
)
from audit_core.state.access_log.record import list_events
from tests.support.ada import PASSWORD
from tests.support.channels import ORGANIZATION, Notifications
from tests.support.mailbox import Mailbox, mail_server

EMAIL = "ada@example.com"
HOSTILE = "x\r\nBcc: evil@example.net\r\n\r\nzqmarkqz"
DIGEST = Digest(
    organization="Acme",
    open_by_level={Level.HIGH: 1, Level.LOW: 2},
    raised=3,
    closed=1,
    alerts=(DigestAlert(number=7, level=Level.HIGH, sentence=HOSTILE, path="/alerts?alert=7"),),
)


def a_digest(
    connection: Connection, organization_id: str, since: datetime, until: datetime
) -> Digest:
    assert organization_id == ORGANIZATION
    assert timedelta(days=1) <= until - since < timedelta(days=2)
    return DIGEST


@pytest.fixture
def ada(told: Notifications) -> str:
    """The id of somebody who may see alerts."""
    told.now = datetime(2026, 3, 28, 12, tzinfo=UTC)
    with told.state.begin() as connection:
        account = add_account(
            connection, email=EMAIL, name="Ada", password=PASSWORD, now=told.now, cost=4
        )
        set_membership(
            connection, account_id=account.id, organization_id=ORGANIZATION, role=Role.AUDITOR
        )
    return account.id


@pytest.fixture
def mailbox(told: Notifications) -> Iterator[Mailbox]:
    found = Mailbox()
    with mail_server(found) as server:
        told.use(mail_server=server, public_url="https://audit.example.org")
        yield found


def want(told: Notifications, account_id: str, zone: str = "Europe/Berlin") -> Subscription:
    with told.state.begin() as connection:
        return subscribe(
            connection,
            account_id=account_id,
            organization_id=ORGANIZATION,
            minute=7 * 60,
            zone=zone,
            actor=EMAIL,
            now=told.now,
        )


def send(told: Notifications) -> int:
    """Send what is due at this moment; how many came to be delivered."""
    with told.state.read() as connection:
        due = due_digests(connection, told.now)
    return sum(isinstance(send_digest(told.tools, a_digest, one), Delivered) for one in due)


def mails(mailbox: Mailbox) -> list[Message]:
    return [message_from_bytes(one.content or b"", policy=by_default) for one in mailbox.came]


def test_it_comes_once_a_day_also_when_the_clocks_change(
    told: Notifications, ada: str, mailbox: Mailbox
) -> None:
    want(told, ada)
    times = []
    for _ in range(3 * 24 * 4):
        told.later(minutes=15)
        if send(told):
            times.append(told.now)
    # On the 29th clocks in Berlin are put forward.
    assert times == [datetime(2026, 3, day, 5, tzinfo=UTC) for day in (29, 30, 31)]
    assert [one.rcpt_tos for one in mailbox.came] == [[EMAIL]] * 3
    assert len({mail["Message-ID"] for mail in mails(mailbox)}) == 3


def test_its_subject_holds_counts_and_its_body_the_alerts(
    told: Notifications, ada: str, mailbox: Mailbox
) -> None:
    want(told, ada)
    told.later(days=1)
    assert send(told) == 1
    (mail,) = mails(mailbox)
    assert mail["Subject"] == "[Sandtrail] 3 open alerts, 3 new since yesterday"
    assert mail["Bcc"] is None and "zqmarkqz" not in repr(mail.items())
    body = str(mail.get_payload())
    assert body.startswith("Acme: open are 1 high, 2 low. Since yesterday 3 were raised, 1 closed.")
    assert "https://audit.example.org/alerts?alert=7" in body
    assert "and 2 more alerts." in body


def test_without_alerts_it_says_so() -> None:
    none = Digest(organization="Acme", open_by_level={}, raised=0, closed=0, alerts=())
    assert digest_subject(none) == "No open alerts, 0 new since yesterday"
    assert "no alert is open" in digest_body(none, "")


def test_a_mail_that_is_not_taken_is_tried_again_and_keeps_its_id(
    told: Notifications, ada: str, mailbox: Mailbox
) -> None:
    want(told, ada)
    mailbox.answers = ["451 Later"]
    told.now = datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert send(told) == 0
    assert send(told) == 0
    told.later(seconds=5)
    assert send(told) == 1
    assert len({mail["Message-ID"] for mail in mails(mailbox)}) == 1
    assert len(mailbox.came) == 2


def test_a_day_on_which_it_cannot_be_sent_is_left_out(
    told: Notifications, ada: str, mailbox: Mailbox
) -> None:
    want(told, ada)
    mailbox.answers = ["550 No"] * 5
    told.now = datetime(2026, 3, 29, 5, tzinfo=UTC)
    for _ in range(200):
        send(told)
        told.later(minutes=5)
    assert len(mailbox.came) == 5
    with told.state.read() as connection:
        kept = subscription_of(connection, ada, ORGANIZATION)
    assert kept is not None and kept.problem is not None
    assert kept.next_at == datetime(2026, 3, 30, 5, tzinfo=UTC)


def test_who_may_not_see_alerts_any_more_gets_none(
    told: Notifications, ada: str, mailbox: Mailbox
) -> None:
    want(told, ada)
    with told.state.begin() as connection:
        end_membership(connection, account_id=ada, organization_id=ORGANIZATION)
    told.later(days=2)
    send(told)
    assert mailbox.came == []
    with pytest.raises(AccountError, match="do not let you see alerts"):
        want(told, ada)


def test_it_is_set_and_ended_on_record(told: Notifications, ada: str) -> None:
    want(told, ada)
    want(told, ada, "UTC")
    with told.state.begin() as connection:
        unsubscribe(
            connection, account_id=ada, organization_id=ORGANIZATION, actor=EMAIL, now=told.now
        )
        assert subscription_of(connection, ada, ORGANIZATION) is None
        events = list_events(connection, organization_id=ORGANIZATION, limit=9)
    assert [event.verb for event in events] == ["digest.ended", "digest.set", "digest.set"]
    with pytest.raises(AuditError, match="no time of day"):
        want(told, ada, "Mars/Base")


def test_the_app_sends_it_by_itself(told: Notifications, ada: str, mailbox: Mailbox) -> None:
    want(told, ada)
    told.later(days=1)
    arrived = threading.Event()
    mailbox.arrived = arrived.set
    running = RunningDigests(told.tools, a_digest, shared_log=False, look_every_s=0.01)
    try:
        assert arrived.wait(30)
    finally:
        running.stop()
    assert len(mailbox.came) == 1
