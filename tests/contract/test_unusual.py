"""What is unusual, on every engine: against plain Python, and against the simulator's incidents."""

from datetime import UTC, datetime, timedelta

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.entries import EARLIEST, LATEST
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.query.query import Query
from audit_core.simulator import simulate_with_truth
from audit_core.simulator.organizations import KESTREL, LUMEN, MERIDIAN
from audit_core.unusual.findings import FindingKind
from audit_core.unusual.reader import WEEK, UnusualReader
from tests.support.plain_unusual import PlainWeek

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
ARRIVALS, TRUTH = simulate_with_truth(entries=20_000, seed=7, until=UNTIL)
# By id: the last state of each, as the log holds it.
ENTRIES = list({arrival.entry.id: arrival.entry for arrival in ARRIVALS}.values())
ALL = 10_000
BERLIN = "Europe/Berlin"

INCIDENTS = {
    "stolen_key": (MERIDIAN, FindingKind.ADDRESS),
    "mass_delete": (MERIDIAN, FindingKind.SPIKE),
    "forbidden_burst": (LUMEN, FindingKind.SPIKE),
    "brief_admin": (KESTREL, FindingKind.ADDRESS),
}
"""In which organization, and as what, each is found first."""


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    log.append(ENTRIES)
    return log


def end_of(incident):
    """The end of the hour after an incident."""
    last = TRUTH.incidents[incident].last_at
    return last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)


@pytest.mark.parametrize("incident", sorted(INCIDENTS))
def test_each_incident_leads_the_list_of_its_week(log, incident):
    organization, kind = INCIDENTS[incident]
    scope = Scope(organization_id=organization.id)
    reader = Reader(log)
    found = UnusualReader(reader).findings(scope, end_of(incident), "UTC", 6)
    assert found.known
    first = found.items[0]
    assert first.kind is kind
    query = Query(first.entry_filter, scope, first.time_range)
    shown = {row.entry.id for row in reader.page(query, None, 100).rows}
    assert shown
    assert shown <= set(TRUTH.incidents[incident].entry_ids)


@pytest.mark.parametrize(
    ("incident", "zone"), [("stolen_key", "UTC"), ("mass_delete", BERLIN), ("outage", BERLIN)]
)
def test_findings_are_those_of_a_plain_reading(log, incident, zone):
    end = end_of(incident)
    own = [entry for entry in ENTRIES if entry.organization_id == MERIDIAN.id]
    scope = Scope(organization_id=MERIDIAN.id)
    found = UnusualReader(Reader(log)).findings(scope, end, zone, ALL)
    since = (end - WEEK).replace(minute=0)
    expected = PlainWeek(own, since, end, zone).findings()
    assert {item.kind for item in expected} > {FindingKind.ERROR, FindingKind.OFF_HOURS}
    assert sorted(map(as_told, found.items)) == sorted(map(as_told, expected))
    assert (found.left_out, found.truncated) == ({}, False)
    listed = [item.attention for item in found.items]
    assert listed == sorted(listed, reverse=True)


def as_told(finding):
    return finding.kind.value, finding.sentence, finding.entry_filter.to_params().__repr__()


def test_a_finding_leads_to_exactly_the_entries_that_it_counts(log):
    scope = Scope(organization_id=MERIDIAN.id)
    reader = Reader(log)
    items = UnusualReader(reader).findings(scope, end_of("stolen_key"), BERLIN, ALL).items
    one_of_each = {(item.kind, item.actor_id is None): item for item in items}.values()
    for item in one_of_each:
        query = Query(item.entry_filter, scope, item.time_range)
        assert CountReader(reader).count(query).number == item.count


def test_another_organization_is_never_told_of(log):
    nobody = UnusualReader(Reader(log)).findings(Scope(organization_id="org-x"), UNTIL, "UTC", ALL)
    assert (nobody.items, nobody.unjudged, nobody.known) == ((), 0, False)
    scope = Scope(organization_id=KESTREL.id)
    found = UnusualReader(Reader(log)).findings(scope, end_of("outage"), "UTC", ALL)
    people = {entry.actor_id for entry in ENTRIES if entry.organization_id == KESTREL.id}
    assert {item.actor_id for item in found.items} <= {*people, None}
    assert not any("@meridian" in item.sentence for item in found.items)


def test_a_read_that_gave_its_first_rows_only_is_told_of(log, monkeypatch):
    monkeypatch.setattr("audit_core.unusual.reader.MAX_GROUPS", 3)
    scope = Scope(organization_id=MERIDIAN.id)
    found = UnusualReader(Reader(log)).findings(scope, end_of("outage"), BERLIN, ALL)
    assert (found.known, found.truncated) == (True, True)


def test_of_a_log_that_has_just_begun_nothing_is_called_new(log):
    scope = Scope(organization_id=MERIDIAN.id)
    begun = min(entry.created_at for entry in ENTRIES)
    found = UnusualReader(Reader(log)).findings(scope, begun + timedelta(days=10), "UTC", ALL)
    assert (found.known, found.items) == (False, ())
    assert found.unjudged > 10


def test_a_week_takes_its_beginning_from_the_hour(log):
    scope = Scope(organization_id=MERIDIAN.id)
    end = UNTIL - timedelta(days=9, minutes=17)
    found = UnusualReader(Reader(log)).findings(scope, end, "UTC", ALL)
    assert (found.since, found.until) == (end.replace(minute=0) - WEEK, end)
    own = [entry for entry in ENTRIES if entry.organization_id == MERIDIAN.id]
    expected = PlainWeek(own, found.since, end, "UTC").findings()
    assert sorted(map(as_told, found.items)) == sorted(map(as_told, expected))


def test_the_scope_of_one_actor_is_looked_at_alone(log):
    actor = MERIDIAN.person("Tomás Ferreira")
    scope = Scope(organization_id=MERIDIAN.id).of_actor(actor.id)
    assert isinstance(scope, Scope)
    found = UnusualReader(Reader(log)).findings(scope, end_of("stolen_key"), "UTC", ALL)
    assert {item.actor_id for item in found.items} <= {actor.id, None}
    assert any(item.kind is FindingKind.ADDRESS for item in found.items)


@pytest.mark.parametrize("end", [EARLIEST, EARLIEST + timedelta(days=2), LATEST])
def test_any_instant_that_a_window_may_end_at_has_an_answer(log, end):
    scope = Scope(organization_id=MERIDIAN.id)
    found = UnusualReader(Reader(log)).findings(scope, end, "Pacific/Apia", ALL)
    assert (found.known, found.items) == (False, ())
