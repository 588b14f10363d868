from datetime import UTC, datetime, timedelta

from audit_core.query.entry_filter import EntryFilter
from audit_core.unusual.findings import Finding, FindingKind, bounded, ranked
from audit_core.unusual.peaks import Peak, distinct
from audit_core.unusual.spike import band_of
from audit_core.unusual.spikes_sql import Series

AT = datetime(2026, 11, 20, tzinfo=UTC)


def finding(kind, actor_id=None, **fields):
    values = {"sentence": f"{kind} {actor_id}", "count": 5, "first": AT, **fields}
    return Finding(kind=kind, entry_filter=EntryFilter(), actor_id=actor_id, **values)


def peak(series, actor_id="", count=50, **fields):
    values = {"action": "", "hundred": 0, "since": AT, "until": AT + timedelta(hours=1), **fields}
    return Peak(series=series, actor_id=actor_id, count=count, band=band_of({}), **values)


def test_what_comes_together_about_one_person_comes_first():
    found = ranked(
        [
            finding(FindingKind.ADDRESS, "ann"),
            finding(FindingKind.ADDRESS, "bob"),
            finding(FindingKind.OFF_HOURS, "bob"),
            finding(FindingKind.ADDRESS, "eve", sensitive=1),
        ]
    )
    assert [(item.actor_id, item.kind.value) for item in found] == [
        ("eve", "address"),
        ("bob", "address"),
        ("ann", "address"),
        ("bob", "off_hours"),
    ]


def test_nothing_is_left_out_without_being_counted():
    found = ranked(finding(kind, f"user-{n}") for n, kind in enumerate([*FindingKind] * 3))
    items, left_out = bounded(found, 5)
    assert items == found[:5]
    assert sum(left_out.values()) == len(found) - 5
    assert 0 not in left_out.values()


def test_the_same_hours_of_one_actor_are_told_once():
    failures = peak(Series.FAILURES, "ann", hundred=4)
    activity = peak(Series.ACTIVITY, "ann", count=60)
    others = peak(Series.ACTIVITY, "bob", count=120)
    mine = peak(Series.ERRORS, hundred=4, count=55)
    outage = peak(Series.ERRORS, hundred=5, count=55)
    assert distinct([mine, outage, activity, others, failures]) == (failures, others, outage)
