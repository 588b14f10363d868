from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.explore.related import Relation
from tests.support.laws import law
from tests.support.strategies import NOW, entry, sample_entries

SPARSE = [
    entry(f"far-{number}", actor_id="rare", target_id="rare", target_type=None,
          created_at=NOW - timedelta(days=11 * number))
    for number in range(6)
]  # fmt: skip
ENTRIES = [*sample_entries(700), *SPARSE]
ALPHA = Scope(organization_id="org-alpha")
KIN = {
    Relation.ACTOR: lambda one, other: one.actor_id == other.actor_id,
    Relation.TARGET: lambda one, other: (
        one.target_id is not None
        and (one.target_type, one.target_id) == (other.target_type, other.target_id)
    ),
}


@pytest.fixture(scope="module")
def reader(new_log):
    log = new_log()
    log.append(ENTRIES)
    return Reader(log)


mine = st.sampled_from([item for item in ENTRIES if item.organization_id == "org-alpha"])


@law(80)
@given(mine, st.sampled_from(Relation), st.sampled_from((1, 3, 10, 1000)), st.booleans())
def test_the_nearest_before_and_after_are_found(reader, item, relation, limit, only_own):
    scope = replace(ALPHA, actor_id=item.actor_id) if only_own else ALPHA
    place = ENTRIES.index(item)
    row = reader.row(item.id, scope, item.created_at)
    found = reader.related(row, relation, scope, limit)
    kin = sorted(
        (
            (other.created_at, number, other.id)
            for number, other in enumerate(ENTRIES)
            if other.organization_id == "org-alpha"
            and (not only_own or other.actor_id == item.actor_id)
            and KIN[relation](item, other)
        ),
        reverse=True,
    )
    here = (item.created_at, place, item.id)
    newer = [each[2] for each in kin if each > here]
    older = [each[2] for each in kin if each < here]
    assert [row.entry.id for row in found.newer] == newer[-limit:]
    assert [row.entry.id for row in found.older] == older[:limit]
    assert found.more_newer == (len(newer) > limit)
    assert found.more_older == (len(older) > limit)


def test_an_entry_without_a_target_has_no_neighbours_on_it(reader):
    item = next(
        each for each in ENTRIES if each.target_id is None and each.organization_id == "org-alpha"
    )
    found = reader.related(reader.row(item.id, ALPHA), Relation.TARGET, ALPHA, 10)
    assert (found.newer, found.older, found.more_newer, found.more_older) == ((), (), False, False)


def test_the_place_of_an_entry_is_found_with_and_without_its_time(reader):
    item = SPARSE[2]
    wrong = item.created_at + timedelta(hours=1)
    rows = [reader.row(item.id, ALPHA, time) for time in (None, item.created_at, wrong)]
    assert rows[0] == rows[1] == rows[2]
    assert rows[0].entry == item
    assert reader.row(item.id, Scope(organization_id="org-beta"), item.created_at) is None
