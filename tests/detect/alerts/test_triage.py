"""What persons do to alerts, on a real state."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from audit_core.detect.alerts.alert import AlertEventKind
from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import alert_detail, alerts_since
from audit_core.detect.alerts.triage import (
    MAX_AT_ONCE,
    MAX_COMMENT,
    assign,
    assignable,
    change_state,
    comment_on,
)
from audit_core.domain.access import Permission, Role
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AccountError, AlertError
from audit_core.identity.accounts import add_account, set_membership
from audit_core.identity.administration import Administrator
from audit_core.state.access_log.record import list_events
from audit_core.state.detections.tables import alert_count
from audit_core.state.tables import channel, notification
from tests.support.ada import NOW, PASSWORD
from tests.support.alerts import NOON, find, rule_of_level, withdraw

RULE = rule_of_level(Level.HIGH)
HOUR = timedelta(hours=1)


@pytest.fixture
def by(ada):
    return Administrator(actor=ada.email, account_id=ada.id, address="192.0.2.1", now=NOW)


@pytest.fixture
def raised(state, ada):
    with state.begin() as connection:
        return [find(connection, "org-a", RULE, [name]) for name in ("ann", "bob", "cy")]


def changed_to(state, by, seen, to, resolution=None, **others):
    with state.begin() as connection:
        return change_state(
            connection,
            by,
            organization_id="org-a",
            seen=seen,
            state=to,
            resolution=resolution,
            **others,
        )


def detail_of(state, one):
    with state.read() as connection:
        found = alert_detail(connection, "org-a", one.id)
    assert found is not None
    return found


def on_record(state):
    with state.read() as connection:
        return [
            (one.verb, one.actor, one.target, one.address)
            for one in list_events(connection, organization_id="org-a", limit=99)
        ]


def test_a_change_stands_in_the_alert_its_own_record_and_the_access_record(state, by, raised):
    done = changed_to(
        state, by, raised[:2], AlertState.CLOSED, Resolution.FALSE_POSITIVE, comment=" Ours. "
    )
    assert [one.number for one in done.changed] == [1, 2]
    assert done.stale == ()
    for one in done.changed:
        found = detail_of(state, one)
        assert found.alert == one
        assert (one.state, one.resolution) == (AlertState.CLOSED, Resolution.FALSE_POSITIVE)
        assert (one.closed_at, one.changed_at) == (NOW, NOW)
        last = found.events[-1]
        assert (last.kind, last.actor, last.at) == (AlertEventKind.STATE, by.actor, NOW)
        assert last.detail == {
            "from": "open",
            "to": "closed",
            "resolution": "false_positive",
            "comment": "Ours.",
        }
    assert sorted(on_record(state)) == [
        ("alert.state_changed", by.actor, number, by.address) for number in ("1", "2")
    ]
    opened = changed_to(state, by, done.changed, AlertState.IN_PROGRESS)
    assert {(one.closed_at, one.resolution) for one in opened.changed} == {(None, None)}


def test_what_is_acknowledged_or_closed_is_told(state, by, raised):
    with state.begin() as connection:
        connection.execute(
            channel.insert().values(
                id="c" * 32,
                organization_id="org-a",
                kind="webhook",
                name="Any",
                destination="d",
                sealed="s",
                group_minutes=0,
                paused=False,
                created_at=NOW,
                created_by="ada",
            )
        )
    acknowledged = changed_to(state, by, raised[:1], AlertState.ACKNOWLEDGED).changed
    worked = changed_to(state, by, acknowledged, AlertState.IN_PROGRESS).changed
    closed = changed_to(
        state, by, worked, AlertState.CLOSED, Resolution.BENIGN, comment="Ours."
    ).changed
    changed_to(state, by, closed, AlertState.CLOSED, Resolution.TRUE_POSITIVE)
    with state.read() as connection:
        kept = [row.notice for row in connection.execute(select(notification))]
    assert [(one["kind"], one["reason"], one["number"]) for one in kept] == [
        ("acknowledged", None, 1),
        ("closed", "Benign: Ours.", 1),
    ]


def test_what_is_that_way_already_is_no_change(state, by, raised):
    done = changed_to(state, by, raised, AlertState.OPEN)
    assert (done.changed, done.stale) == ((), ())
    assert on_record(state) == []


def test_each_change_has_a_number_of_its_own_without_gaps(state, by, raised):
    changed_to(state, by, raised, AlertState.ACKNOWLEDGED)
    with state.read() as connection:
        seen = alerts_since(connection, "org-a", AlertFilter(), since=0, limit=99)
        total = connection.execute(select(alert_count.c.changes)).scalar()
    revisions = [one.revision for one in seen.alerts]
    assert revisions == sorted(revisions) and len(set(revisions)) == 3
    assert seen.revision == total == revisions[-1]


def test_what_somebody_else_changed_meanwhile_is_left_alone(state, by, raised):
    first, second, _ = raised
    changed_to(state, by, [first], AlertState.IN_PROGRESS)
    done = changed_to(state, by, [first, second], AlertState.ACKNOWLEDGED)
    assert [one.number for one in done.changed] == [2]
    assert [(one.number, one.state) for one in done.stale] == [(1, AlertState.IN_PROGRESS)]


def test_one_that_has_grown_can_be_acknowledged_but_not_closed_unseen(state, by, raised):
    with state.begin() as connection:
        find(connection, "org-a", RULE, ["ann"], at=NOON + HOUR)
    closed = changed_to(state, by, raised[:1], AlertState.CLOSED, Resolution.BENIGN)
    assert (closed.changed, [one.number for one in closed.stale]) == ((), [1])
    done = changed_to(state, by, raised[:1], AlertState.ACKNOWLEDGED)
    assert [one.count for one in done.changed] == [2]
    again = changed_to(state, by, done.changed, AlertState.CLOSED, Resolution.BENIGN)
    assert [one.state for one in again.changed] == [AlertState.CLOSED]


def test_one_that_was_withdrawn_stays_closed(state, by, raised):
    with state.begin() as connection:
        gone = withdraw(connection, raised[0], RULE)
    for seen in (raised[0], gone):
        done = changed_to(state, by, [seen], AlertState.OPEN)
        assert (done.changed, done.stale) == ((), (gone,))


def test_a_comment_stands_whatever_has_become_of_the_alert(state, by, raised):
    with state.begin() as connection:
        withdraw(connection, raised[0], RULE)
        ids = [one.id for one in raised]
        done = comment_on(
            connection, by, organization_id="org-a", alert_ids=ids, comment="<b>Seen</b>"
        )
    assert len(done) == 3
    last = detail_of(state, raised[0]).events[-1]
    assert (last.kind, last.detail) == (AlertEventKind.COMMENTED, {"comment": "<b>Seen</b>"})
    # What was said is with the alert only.
    assert {verb for verb, *_ in on_record(state)} == {"alert.commented"}
    with state.read() as connection:
        events = list_events(connection, organization_id="org-a", limit=9)
    assert "Seen" not in str([event.detail for event in events])


def test_alerts_are_assigned_to_those_who_may_read_them(state, by, ada, raised):
    with state.begin() as connection:
        others = [
            add_account(connection, email=email, name="X", password=PASSWORD, now=NOW, cost=4)
            for email in ("bob@example.com", "cy@example.com")
        ]
        for account, role in zip(others, (Role.ADMIN, Role.MEMBER), strict=True):
            set_membership(connection, account_id=account.id, organization_id="org-a", role=role)
        names = [one.email for one in assignable(connection, "org-a", NOW)]
        assert names == ["ada@example.com", "bob@example.com"]
        done = assign(connection, by, organization_id="org-a", seen=raised, account_id=others[0].id)
        assert {one.assignee_id for one in done.changed} == {others[0].id}
        back = assign(
            connection, by, organization_id="org-a", seen=done.changed[:1], account_id=None
        )
        assert back.changed[0].assignee_id is None
    assert [dict(one.detail) for one in detail_of(state, raised[0]).events[-2:]] == [
        {"from": None, "to": "bob@example.com"},
        {"from": "bob@example.com", "to": None},
    ]
    for stranger in (others[1].id, "0" * 32):
        with pytest.raises(AlertError), state.begin() as connection:
            assign(connection, by, organization_id="org-a", seen=raised, account_id=stranger)


@pytest.mark.parametrize(
    ("role", "able"), [(Role.MEMBER, False), (Role.AUDITOR, True), (Role.ADMIN, True)]
)
def test_who_may_read_may_triage_at_that_moment(state, by, ada, raised, role, able):
    with state.begin() as connection:
        set_membership(connection, account_id=ada.id, organization_id="org-a", role=role)
    if able:
        assert changed_to(state, by, raised, AlertState.ACKNOWLEDGED).changed
        return
    with pytest.raises(AccountError, match=Permission.READ.value):
        changed_to(state, by, raised, AlertState.ACKNOWLEDGED)


def test_nobody_changes_alerts_of_another_organization(state, by, ada):
    with state.begin() as connection:
        other = find(connection, "org-b", RULE, ["ann"])
    for organization_id, error in (("org-b", AccountError), ("org-a", AlertError)):
        with pytest.raises(error), state.begin() as connection:
            comment_on(
                connection,
                by,
                organization_id=organization_id,
                alert_ids=[other.id],
                comment="Seen",
            )


def test_the_operator_needs_no_membership(state, by, raised):
    operator = replace(by, account_id=None, actor="command line")
    assert changed_to(state, operator, raised, AlertState.ACKNOWLEDGED).changed


@pytest.mark.parametrize(
    "asked",
    [
        {"to": AlertState.CLOSED},
        {"to": AlertState.OPEN, "resolution": Resolution.BENIGN},
        {"to": AlertState.ACKNOWLEDGED, "comment": "x" * (MAX_COMMENT + 1)},
    ],
)
def test_what_makes_no_sense_is_refused(state, by, raised, asked):
    with pytest.raises(AlertError):
        changed_to(state, by, raised, **asked)


def test_too_many_and_too_few_are_refused(state, by, raised):
    many = [replace(raised[0], id=f"{number:032}") for number in range(MAX_AT_ONCE + 1)]
    for seen in (many, many[:1]):
        with pytest.raises(AlertError):
            changed_to(state, by, seen, AlertState.ACKNOWLEDGED)
    with pytest.raises(AlertError), state.begin() as connection:
        comment_on(connection, by, organization_id="org-a", alert_ids=[raised[0].id], comment=" \n")
