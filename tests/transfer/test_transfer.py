from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from audit_core.transfer.transfer import STEP, Difference, stretches

differences = st.dictionaries(
    st.tuples(st.sampled_from(("", "org-a", "org-b")), st.integers(0, 400)),
    st.integers(1, 30_000),
).map(
    lambda days: [Difference(day=day, there=count, here=0) for day, count in sorted(days.items())]
)


@given(differences)
def test_stretches_cover_each_day_once_and_hold_no_more_than_a_step(wanting):
    found = list(stretches(wanting))
    for organization, group in groupby(wanting, key=lambda item: item.day[0]):
        own = [item for item in found if item.organization_id == organization]
        assert all(before.last < after.first for before, after in pairwise(own))
        counts = {item.day[1]: item.there for item in group}
        inside = [[day for day in counts if item.first <= day <= item.last] for item in own]
        assert sorted(day for days in inside for day in days) == sorted(counts)
        assert all(len(days) == 1 or sum(counts[day] for day in days) <= STEP for days in inside)
