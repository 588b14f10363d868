"""What is told of alerts, and that it is kept with them."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from audit_core.detect.alerts.alert import AlertEventKind
from audit_core.detect.alerts.ledger import UNTRUE
from audit_core.detect.alerts.notices import HISTORY, notice_of, target_types_of, told_as
from audit_core.detect.rules.reading import read_rule
from audit_core.detect.watching.looking import look
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.identity.memberships import ensure_organization
from audit_core.log.store import open_log
from audit_core.notify.notice import Notice, NoticeKind
from audit_core.state.tables import channel, notification
from tests.support.alerts import OPEN_ALERT
from tests.support.strategies import NOW, entry
from tests.support.watching import start_watching

ORGANIZATION = "org-alpha"
EARLIER = NOW - timedelta(hours=1)
ALERT = replace(OPEN_ALERT, first_at=EARLIER, last_at=NOW, raised_at=NOW, changed_at=NOW)


def a_rule(selections, condition="s"):
    return read_rule(
        f"""title: Not done
id: 0b6f4b57-6c0e-4f6b-9a8e-2f8f0a6f1d99
description: Because.
level: low
tags: [attack.impact, attack.t1485]
falsepositives: [A test]
logsource: {{product: daytona, service: audit}}
detection:
  {selections}
  condition: {condition}
""",
        "rule.yaml",
    )


@pytest.mark.parametrize(
    ("selection", "types"),
    [
        ("s: {targetType: sandbox}", ("sandbox",)),
        ("s: {targetType: [volume, sandbox], action: delete}", ("sandbox", "volume")),
        ("s: {targetType|startswith: sand}", ()),
        ("s: {action: delete}", ()),
        ("s: [{targetType: sandbox}, {action: delete}]", ()),
        ("s: [{targetType: sandbox}, {targetType: volume}]", ("sandbox", "volume")),
    ],
)
def test_the_types_of_targets_are_those_that_a_rule_selects(selection, types):
    assert target_types_of(a_rule(selection)) == types


def told(state):
    with state.read() as connection:
        rows = connection.execute(select(notification.c.notice).order_by(notification.c.id))
        return [Notice.from_json(row.notice) for row in rows]


@pytest.fixture
def listened(state):
    with state.begin() as connection:
        ensure_organization(connection, organization_id=ORGANIZATION, name="Alpha")
        connection.execute(
            insert(channel).values(
                id="c" * 32,
                organization_id=ORGANIZATION,
                kind="webhook",
                name="c",
                destination="https://example.org/in",
                sealed="",
                group_minutes=1,
                paused=False,
                created_at=NOW,
                created_by="ada@example.com",
            )
        )
    return state


def test_what_the_rule_does_to_an_alert_is_told_once_each(listened, tmp_path):
    rule = a_rule("s: {targetType: sandbox}\n  done: {statusCode: 200}", "s and not done")
    with closing(open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: NOW)) as log:
        start_watching(listened, rule, ORGANIZATION, now=NOW, revision=0)
        alert = ""
        for id, status, kind in (
            ("first", None, NoticeKind.RAISED),
            ("first", 200, NoticeKind.WITHDRAWN),
            ("second", 500, NoticeKind.RAISED_AGAIN),
            ("third", 500, None),
        ):
            log.append([entry(id, status_code=status, created_at=EARLIER)])
            (change,) = look(log, listened, rule, ORGANIZATION, now=NOW).alerts
            assert look(log, listened, rule, ORGANIZATION, now=NOW).alerts == ()
            notices = told(listened)
            if kind is None:
                assert (change.kind, len(notices)) == (AlertEventKind.GROWN, 3)
                continue
            notice = notices[-1]
            alert = alert or change.alert.id
            assert (notice.kind, notice.alert_id, notice.number) == (kind, alert, 1)
            assert (notice.rule_id, notice.target_types) == (rule.id, ("sandbox",))
            assert (notice.count, notice.at) == (int(kind is not NoticeKind.WITHDRAWN), NOW)
            assert notice.reason == (UNTRUE if kind is NoticeKind.WITHDRAWN else None)
            assert notice.path == f"/alerts?alert={alert}"
        assert notices[0].sentence == "Not done: actorId user-1, 1 entry."


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (AlertState.OPEN, None),
        (AlertState.ACKNOWLEDGED, NoticeKind.ACKNOWLEDGED),
        (AlertState.IN_PROGRESS, None),
        (AlertState.CLOSED, NoticeKind.CLOSED),
    ],
)
def test_what_a_person_does_to_an_alert(state, kind):
    changed = replace(ALERT, state=state)
    notice = notice_of(changed, AlertEventKind.STATE, target_types=("user",), at=NOW, reason="Ok.")
    assert (notice and (notice.kind, notice.reason)) == (kind and (kind, "Ok."))


def test_the_type_in_the_group_is_the_one_that_is_told():
    alert = replace(ALERT, group={"targetType": "volume"})
    notice = notice_of(alert, AlertEventKind.RAISED, target_types=("user", "volume"), at=NOW)
    assert notice.target_types == ("volume",)


def test_what_was_over_long_before_it_was_found_wakes_nobody_until_it_goes_on():
    over = replace(ALERT, first_at=NOW - 2 * HISTORY, last_at=NOW - HISTORY - timedelta(seconds=1))
    late = replace(over, last_at=NOW - HISTORY)
    for kind, told in ((AlertEventKind.RAISED, ALERT), (AlertEventKind.RAISED, late)):
        assert notice_of(told, kind, target_types=(), at=NOW) is not None
    for kind in (AlertEventKind.RAISED, AlertEventKind.WITHDRAWN, AlertEventKind.STATE):
        closed = replace(over, state=AlertState.CLOSED)
        assert notice_of(closed, kind, target_types=(), at=NOW) is None
    grown = AlertEventKind.GROWN
    assert told_as(over, grown, replace(over, count=4)) is grown
    assert told_as(ALERT, grown, replace(ALERT, count=4)) is grown
    assert told_as(over, grown, ALERT) is AlertEventKind.RAISED
