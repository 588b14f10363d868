"""Arrivals of a few entries in any order, and what is stored after them, read in plain Python."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from tests.support.strategies import NOW, entry

STATUSES = (None, 0, 200, 500)

arrivals = st.builds(
    entry,
    st.sampled_from(("a", "b", "c", "d")),
    organization_id=st.sampled_from(("org-alpha", "org-beta", None)),
    status_code=st.sampled_from(STATUSES),
    error_message=st.sampled_from(("first", "second")),
    created_at=st.sampled_from((NOW, NOW, NOW, NOW - timedelta(hours=1))),
)
sequences = st.lists(arrivals, max_size=25)


def progress(status_code):
    return {None: 0, 0: 1}.get(status_code, 2)


def plainly_stored(sequence):
    """What is stored after the sequence, and the four counts."""
    stored, accepted, known, finished, refused = {}, 0, 0, 0, 0
    for item in sequence:
        key = (item.organization_id, item.id)
        held = stored.get(key)
        if held is None:
            stored[key], accepted = item, accepted + 1
        elif held.created_at != item.created_at:
            refused += 1
        elif progress(item.status_code) > progress(held.status_code):
            stored[key], finished = item, finished + 1
        else:
            known += 1
    return stored, (accepted, known, finished, refused)
