"""Arrivals of a few entries in any order, and what is stored after them, read in plain Python."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from tests.support.strategies import NOW, entry

STATUSES = (None, 0, 200, 500)

FINE = NOW.replace(microsecond=123_456)
TIMES = (
    *(NOW, NOW, NOW, NOW, NOW - timedelta(hours=1)),
    *(FINE, FINE.replace(microsecond=123_000), FINE.replace(microsecond=123_789)),
)
"""The last three share a cut to milliseconds and to seconds, `NOW`; the first of them and the last
contradict each other."""

arrivals = st.builds(
    entry,
    st.sampled_from(("a", "b", "c", "d")),
    organization_id=st.sampled_from(("org-alpha", "org-beta", None)),
    status_code=st.sampled_from(STATUSES),
    error_message=st.sampled_from(("first", "second")),
    created_at=st.sampled_from(TIMES),
)
sequences = st.lists(arrivals, max_size=25)


def progress(status_code):
    return {None: 0, 0: 1}.get(status_code, 2)


def cuts(time):
    """The time, and what a source may have cut it to."""
    milliseconds = time.replace(microsecond=time.microsecond // 1000 * 1000)
    return {time, milliseconds, time.replace(microsecond=0)}


def met(stored, arrived):
    """What becomes of an arrival whose key is stored: a word, and the entry afterwards."""
    coarse, fine = sorted((stored.created_at, arrived.created_at))
    if coarse not in cuts(fine):
        return "refused", stored
    if progress(stored.status_code) == 2:
        return "known", stored
    finer = max(stored.created_at, arrived.created_at)
    if progress(arrived.status_code) > progress(stored.status_code):
        return "finished", replace(arrived, created_at=finer)
    return "known", replace(stored, created_at=finer)


def plainly_stored(sequence):
    """What is stored after the sequence, and the four counts."""
    stored, counts = {}, dict.fromkeys(("accepted", "known", "finished", "refused"), 0)
    for item in sequence:
        key = (item.organization_id, item.id)
        word, stored[key] = met(stored[key], item) if key in stored else ("accepted", item)
        counts[word] += 1
    return stored, tuple(counts.values())
