"""What rules find, on every engine: as plain Python finds it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.findings_sql import FoundRow, findings
from audit_core.detect.selected_sql import GROUPS
from audit_core.domain.access import Scope
from tests.contract.pieces import append_in_pieces
from tests.support import plain_detection
from tests.support.detections import ORGANIZATION, SINCE, entries_of, rules
from tests.support.laws import law
from tests.support.strategies import NOW


class Held:
    """A log, and what one organization has in it."""

    def __init__(self, log):
        self.log = log
        entries = entries_of(3)
        append_in_pieces(log, entries)
        self.entries = [one for one in entries if one.organization_id == ORGANIZATION]


@pytest.fixture(scope="module")
def held(new_log):
    return Held(new_log())


def found(log, rule, since=SINCE - timedelta(days=1), until=NOW, **more):
    scope = Scope(organization_id=ORGANIZATION)
    statement = findings(rule, scope, since=since, until=until, now=NOW, **more)
    rows = log.fetch_rows(statement, scope, FoundRow, limit=10_000)
    return {
        (
            tuple(getattr(row, name) for name in GROUPS[: len(rule.groups)]),
            row.hour,
            row.count,
            row.first.replace(tzinfo=UTC),
            row.last.replace(tzinfo=UTC),
        )
        for row in rows.items
    }


@law(400, share=20)
@given(rule=rules())
def test_a_rule_finds_what_plain_python_finds(held, rule):
    """Whichever way the engine goes through the entries."""
    log, entries = held.log, held.entries
    expected = plain_detection.findings(rule, entries, NOW)
    assert found(log, rule) == expected
    assert found(log, rule, through_most=True) == expected


@law(100, share=20)
@given(rule=rules(), data=st.data())
def test_a_part_of_the_time_and_some_groups_find_their_part(held, rule, data):
    """What is asked for anew when something arrives: hours, and the groups that it belongs to."""
    log, entries = held.log, held.entries
    whole = plain_detection.findings(rule, entries, NOW)
    hour = data.draw(st.integers(0, 46))
    since = SINCE.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hour)
    until = since + timedelta(hours=data.draw(st.integers(1, 10)))
    known = sorted({one[0] for one in whole})
    groups = None
    if rule.groups and known:
        groups = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    part = {
        one
        for one in whole
        if since <= datetime.fromtimestamp(one[1] * 3600, UTC) < until
        and (groups is None or one[0] in groups)
    }
    assert found(log, rule, since, until, groups=groups) == part
