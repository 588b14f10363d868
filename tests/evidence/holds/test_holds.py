"""Legal holds as they stand in the state: what they keep, until somebody lifts them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import AccountError, StoreUnavailableError
from audit_core.evidence.holds.holds import (
    HeldError,
    StateHolds,
    fixed,
    held_count,
    kept_beyond,
    query_of,
    require_not_held,
)
from audit_core.explore.reader import Reader
from audit_core.explore.results import Total
from audit_core.identity.accounts import ensure_organization
from audit_core.identity.administration import Administrator
from audit_core.installation import consistency_sql
from audit_core.log.retention import Retention, month_of
from audit_core.log.rollups import ROLLUPS
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window
from audit_core.state.access_log.record import list_events
from audit_core.workspace.legal_holds import (
    LegalHold,
    holds_in_force,
    lift_hold,
    list_holds,
    set_hold,
)
from tests.contract.test_state_changes import change, found
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry

EVERYTHING = Scope.everything()
LIMITS = Limits(retention=Retention(days=30))
EARLIEST = Retention(days=30).earliest(NOW)
ALPHA, BETA = "org-alpha", "org-beta"
AGES = (0, 3, 45, 70, 75, 130, 400, 3_900, 20_000)
"""In days; the last ones lie where no month has a partition of its own."""
BY = Administrator(actor="command line", account_id=None, address=None, now=NOW)


@pytest.fixture
def state(tmp_path):
    opened = new_state(tmp_path / "state.sqlite")
    with opened.begin() as connection:
        for organization_id in (ALPHA, BETA):
            ensure_organization(connection, organization_id=organization_id, name=None)
    yield opened
    opened.close()


def hold(state, organization_id, entry_filter) -> LegalHold:
    with state.begin() as connection:
        return set_hold(
            connection,
            BY,
            organization_id=organization_id,
            params=fixed(entry_filter, NOW).to_params(),
            sentence="what was asked for",
            reason="Case 12",
        )


def filled(url):
    """Entries of two organizations, finished and not, of many months; what was stored."""
    log = open_log(url, clock=lambda: NOW)
    stored = [
        entry(
            f"{name}-{age}-{status}",
            organization_id=name,
            created_at=NOW - timedelta(days=age),
            status_code=status,
            action="start" if age in (70, 400, 20_000) else "create",
        )
        for name in (ALPHA, BETA)
        for age in AGES
        for status in (200, None)
    ]
    log.append(stored)
    log.state_changes.append([change(f"c{age}", NOW - timedelta(days=age)) for age in AGES[:7]])
    log.close()
    return stored


def ids(log):
    query = Query(EntryFilter(), EVERYTHING, TimeRange(since=None, until=None))
    return {row.entry.id for row in Reader(log).page(query, None, 1_000).rows}


def changes(log):
    return {row["id"] for row in found(log)}


def assert_counts(log):
    if not log.keeps_counts:
        return
    for rollup in ROLLUPS:
        statement = consistency_sql.differing(rollup, EVERYTHING)
        (differing,) = log.fetch_rows(statement, EVERYTHING, Total, limit=1).items
        assert differing.count == 0, rollup.called


def test_a_hold_keeps_its_months_until_it_is_lifted(tmp_path, state):
    url = f"duckdb:///{tmp_path}/log.duckdb"
    stored = filled(url)
    starts = hold(state, ALPHA, EntryFilter(actions=("start",), window=Window(preset=ALL_TIME)))

    log = open_log(url, clock=lambda: NOW, limits=LIMITS, holds=StateHolds(state))
    held = {month_of(NOW - timedelta(days=age)) for age in (70, 400, 20_000)}
    kept = {
        item.id
        for item in stored
        if item.created_at >= EARLIEST
        or (item.organization_id == ALPHA and month_of(item.created_at) in held)
    }
    assert ids(log) == kept
    assert f"{ALPHA}-75-200" in kept, "what does not match stays with what does"
    assert changes(log) == {
        f"c{age}"
        for age in AGES[:7]
        if NOW - timedelta(days=age) >= EARLIEST or month_of(NOW - timedelta(days=age)) in held
    }
    assert_counts(log)
    beyond = kept_beyond(log, [starts], EARLIEST)
    assert (beyond.entries, beyond.months) == (6, tuple(sorted(held)))
    assert held_count(log, query_of(starts)) == 6

    report = log.append([entry("late", created_at=NOW - timedelta(days=70))])
    assert [index for index, _ in report.refused] == [0]
    log.close()

    with state.begin() as connection:
        lift_hold(
            connection,
            BY,
            organization_id=ALPHA,
            hold_id=starts.id,
            sentence="what was asked for",
            reason="Closed",
        )
        assert holds_in_force(connection) == []
    log = open_log(url, clock=lambda: NOW, limits=LIMITS, holds=StateHolds(state))
    assert ids(log) == {item.id for item in stored if item.created_at >= EARLIEST}
    assert changes(log) == {"c0", "c3"} | (
        {"c45"} if NOW - timedelta(days=45) >= EARLIEST else set()
    )
    assert_counts(log)
    log.close()


def test_a_hold_that_is_set_while_the_log_is_open_stops_the_next_month(tmp_path, state):
    now = NOW
    log = open_log(
        f"duckdb:///{tmp_path}/log.duckdb",
        clock=lambda: now,
        limits=LIMITS,
        holds=StateHolds(state),
    )
    log.append([entry("a"), entry("b", organization_id=BETA)])
    hold(state, ALPHA, EntryFilter(window=Window(preset=ALL_TIME)))
    now = NOW + timedelta(days=70)
    log.append([entry("c", created_at=now)])
    assert ids(log) == {"a", "c"}
    log.close()


def test_a_hold_whose_filter_cannot_be_read_any_more_keeps_all_of_its_organization(tmp_path, state):
    url = f"duckdb:///{tmp_path}/log.duckdb"
    stored = filled(url)
    with state.begin() as connection:
        set_hold(
            connection,
            BY,
            organization_id=BETA,
            params={"status": ["no code"]},
            sentence="",
            reason="Case 12",
        )
    log = open_log(url, clock=lambda: NOW, limits=LIMITS, holds=StateHolds(state))
    assert ids(log) == {
        item.id for item in stored if item.created_at >= EARLIEST or item.organization_id == BETA
    }
    log.close()


def test_without_an_answer_of_the_state_nothing_is_dropped(tmp_path, state):
    url = f"duckdb:///{tmp_path}/log.duckdb"
    stored = filled(url)

    class Silent:
        def held(self, earliest, fetch):
            raise StoreUnavailableError("The state does not answer.", "Wait.")

    log = open_log(url, clock=lambda: NOW, limits=LIMITS, holds=Silent())
    assert ids(log) == {item.id for item in stored}
    log.close()


def test_what_is_held_must_not_be_erased(tmp_path, state):
    log = open_log(f"duckdb:///{tmp_path}/log.duckdb", clock=lambda: NOW)
    log.append(
        [
            entry("a", actor_id="ada", action="start", created_at=NOW),
            entry("b", actor_id="bob"),
            entry("c", actor_id="ada", organization_id=BETA),
            entry("d", actor_id="cyd", action="start", metadata='{"who":"Dan@example.org"}'),
        ]
    )
    holds = [hold(state, ALPHA, EntryFilter(actions=("start",), window=Window(preset=ALL_TIME)))]

    def look(*names, organization_id=ALPHA, until=None):
        subject = Subject(
            organization_id=organization_id,
            actor_ids=frozenset(name for name in names if "@" not in name),
            addresses=frozenset(name for name in names if "@" in name),
        )
        require_not_held(log, holds, subject, until=until)

    for names in (("ada",), ("x", "ada"), ("cyd",), ("dan@example.org",)):
        with pytest.raises(HeldError, match="A legal hold of"):
            look(*names)
    look("bob")
    look("da")
    look("an@example.org")
    look("ada", organization_id=BETA)
    look("ada", until=NOW - timedelta(seconds=1))
    log.close()


def test_a_window_that_moves_is_fixed_when_the_hold_is_set():
    meant = fixed(EntryFilter(window=Window(preset="7d")), NOW).window
    assert (meant.preset, meant.since) == (None, NOW - timedelta(days=7))


def test_a_hold_is_set_and_lifted_once_with_a_reason_by_who_may(state):
    starts = EntryFilter(actions=("start",), window=Window(preset=ALL_TIME))
    with pytest.raises(AccountError, match="no reason"), state.begin() as connection:
        set_hold(connection, BY, organization_id=ALPHA, params={}, sentence="", reason=" ")
    nobody = Administrator(actor="m@example.org", account_id="0" * 32, address=None, now=NOW)
    with pytest.raises(AccountError, match="may not"), state.begin() as connection:
        set_hold(connection, nobody, organization_id=ALPHA, params={}, sentence="", reason="x")
    held = hold(state, ALPHA, starts)

    def lift(organization_id):
        with state.begin() as connection:
            lift_hold(
                connection,
                BY,
                organization_id=organization_id,
                hold_id=held.id,
                sentence="all starts",
                reason="Closed",
            )

    with pytest.raises(AccountError, match="not in force"):
        lift(BETA)
    lift(ALPHA)
    with pytest.raises(AccountError, match="not in force"):
        lift(ALPHA)
    with state.read() as connection:
        (kept,) = list_holds(connection, ALPHA)
        events = list_events(connection, organization_id=ALPHA, limit=10)
    assert (kept.reason, kept.lifting_reason, kept.lifted_at) == ("Case 12", "Closed", NOW)
    assert [(event.verb, event.detail["reason"]) for event in events] == [
        ("legal_hold.lifted", "Closed"),
        ("legal_hold.set", "Case 12"),
    ]
