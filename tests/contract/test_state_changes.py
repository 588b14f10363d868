"""State changes are stored once, on every engine, and kept and copied as entries are."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.domain.state_changes import StateChange
from audit_core.log.retention import Retention
from audit_core.log.schema import state_change
from audit_core.log.store import Limits, open_log
from audit_core.transfer.digests_sql import Kind
from audit_core.transfer.transfer import LocalOrigin, digest_of, transfer
from tests.contract.engines import ENGINES
from tests.support.strategies import NOW, entry

ALPHA, BETA = "org-alpha", "org-beta"
EVERYTHING = Scope.everything()


def change(id_: str, at: datetime = NOW, **values: object) -> StateChange:
    given = {
        "organization_id": ALPHA,
        "event": "sandbox.state.updated",
        "target_type": "sandbox",
        "target_id": "box-1",
        "name": None,
        "old_state": "starting",
        "new_state": "error",
        **values,
    }
    return StateChange(id=id_, changed_at=at, **given)  # type: ignore[arg-type]


def found(log, organization_id=ALPHA):
    scope = Scope(organization_id=organization_id)
    statement = (
        select(state_change)
        .where(state_change.c.organization_id == organization_id)
        .order_by(state_change.c.id)
    )
    return log.fetch(statement, scope, max_rows=1_000).table.to_pylist()


def test_a_change_comes_back_as_it_was_stored_and_once(log):
    changes = log.state_changes
    first = change("a", NOW - timedelta(microseconds=1), name='"\\␀', old_state=None)
    assert changes.append([first, change("b"), first]) == 2
    assert changes.append([first, change("c")]) == 1
    assert changes.append([change("a", NOW, organization_id=BETA)]) == 1
    rows = found(log)
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert (rows[0]["name"], rows[0]["old_state"]) == ('"\\␀', None)
    assert rows[0]["changed_at"] == first.changed_at.replace(tzinfo=None)
    assert len(found(log, BETA)) == 1
    assert log.head(ALPHA) == log.head(BETA) == 0


def test_the_head_rises_with_each_store_of_the_own_organization_only(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    heads = log.state_changes
    assert heads.head(ALPHA) == heads.head(BETA) == heads.head(None) == 0
    heads.append([change("a")])
    before = heads.head(ALPHA)
    heads.append([change("a")])
    assert heads.head(ALPHA) == before > 0 == heads.head(BETA)
    heads.append([change("b")])
    last = heads.head(ALPHA)
    assert last > before
    log.close()
    again = open_log(url, clock=lambda: NOW)
    assert again.state_changes.head(ALPHA) == last
    assert [row["id"] for row in found(again)] == ["a", "b"]
    again.close()


def test_changes_are_dropped_with_the_entries_of_their_time(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    old = NOW - timedelta(days=200)
    log.append([entry("old", created_at=old), entry("new")])
    log.state_changes.append([change("old", old), change("new")])
    log.close()
    kept = open_log(url, clock=lambda: NOW, limits=Limits(retention=Retention(days=90)))
    assert [row["id"] for row in found(kept)] == ["new"]
    kept.close()


def test_a_log_without_expired_entries_drops_changes_too(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.state_changes.append([change("old", NOW - timedelta(days=200)), change("new")])
    log.close()
    kept = open_log(url, clock=lambda: NOW, limits=Limits(retention=Retention(days=90)))
    assert [row["id"] for row in found(kept)] == ["new"]
    kept.close()


@pytest.fixture
def other(engine, engines):
    """An empty log of the next engine."""
    target = ENGINES[(ENGINES.index(engine) + 1) % len(ENGINES)]
    log = open_log(engines.new_url(target), clock=lambda: NOW + timedelta(hours=1))
    yield log
    log.close()


def test_a_copy_holds_them_too(log, other):
    log.append([entry("a")])
    many = [change(f"c{number:03}", NOW - timedelta(hours=number)) for number in range(120)]
    log.state_changes.append([*many, change("b", organization_id=BETA, old_state=None)])
    report = transfer(LocalOrigin(log, EVERYTHING), other, EVERYTHING)
    assert (report.copied, report.differences, report.state_changes) == (1, (), 121)
    assert found(other) == found(log)
    kind = Kind.STATE_CHANGES
    assert digest_of(other, EVERYTHING, kind) == digest_of(log, EVERYTHING, kind)
    log.state_changes.append([change("late", NOW - timedelta(hours=3, minutes=1))])
    assert transfer(LocalOrigin(log, EVERYTHING), other, EVERYTHING).differences == ()
    assert found(other) == found(log)
