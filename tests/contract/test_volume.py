"""VOLUME: what an organization sees is the same as if the others did not exist."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.evidence.download import FileKind, Format, Progress, stream
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import SilentRule
from audit_core.starts.reader import StartsReader
from tests.support.arriving import STATUSES
from tests.support.laws import law
from tests.support.strategies import NOW, entry

ALWAYS = TimeRange(since=None, until=None)
ANY = EntryFilter()
OURS = "ours"

arriving = st.tuples(
    st.sampled_from("abcdefgh"), st.sampled_from(STATUSES), st.sampled_from(("create", "list"))
)
batches = st.lists(
    st.tuples(
        st.lists(st.sampled_from((OURS, OURS, "theirs", "others", None)), min_size=1, max_size=3),
        st.lists(arriving, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=8,
)
"""Appends: the organizations that each is of, and the entries of each of them."""

_examples = count()


@pytest.fixture(scope="module")
def together(new_log):
    return new_log()


@pytest.fixture(scope="module")
def alone(new_log):
    """A log that has none of the entries of others."""
    return new_log()


def made(number, organization, batch):
    """Entries of an organization of one example; a time is the same for many."""
    return [
        entry(
            f"{name}-{action}",
            organization_id=None if organization is None else f"{organization}-{number}",
            status_code=status,
            action=action,
            target_type="sandbox",
            target_id=name,
            created_at=NOW.replace(minute=ord(name) % 3),
        )
        for name, status, action in batch
    ]


def pages(read):
    """Every page on the way to older ones, and back again, with the cursors as text."""
    cursor, way = None, "older"
    while True:
        page = read(cursor)
        yield page
        cursor = page.older if way == "older" else page.newer
        if cursor is None:
            if way == "newer" or page.newer is None:
                return
            cursor, way = page.newer, "newer"
        yield cursor.to_param()


def seen(log, organization):
    """All that an organization sees of numbers, and what leaves the house for it."""
    reader = Reader(log)
    scope = Scope(organization_id=organization)
    yield log.head(organization)
    yield log.since(organization).organization_seq
    for page in pages(lambda cursor: reader.page(Query(ANY, scope, ALWAYS), cursor, 3)):
        yield page if isinstance(page, str) else [(row.seq, row.entry) for row in page.rows]
    starts = StartsReader(log, SilentRule())
    for page in pages(lambda cursor: starts.page(Query(ANY, scope, ALWAYS), cursor=cursor, rows=2)):
        yield page if isinstance(page, str) else page.attempts
    # A workbook says when it was made.
    for form in (Format.CSV, Format.JSONL, Format.PARQUET):
        kind = FileKind(format=form)
        yield b"".join(stream(reader, Query(ANY, scope, ALWAYS), kind, progress=Progress()))
    yield CountReader(reader).count(Query(ANY, scope, ALWAYS))


@law(12)
@given(batches)
def test_nothing_that_an_organization_sees_depends_on_others(together, alone, appends):
    number = next(_examples)
    ours = f"{OURS}-{number}"
    for organizations, batch in appends:
        shared = [
            item
            for pair in zip(*(made(number, name, batch) for name in organizations), strict=True)
            for item in pair
        ]
        own = [item for item in shared if item.organization_id == ours]
        reports = together.append(shared), alone.append(own)
        if len(own) == len(shared):
            assert reports[0] == reports[1]
    assert list(seen(together, ours)) == list(seen(alone, ours))
    numbers = [
        row.seq
        for row in Reader(together)
        .page(Query(ANY, Scope(organization_id=ours), ALWAYS), None, 10_000)
        .rows
    ]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_what_is_new_is_counted_from_the_own_numbers(together):
    log, ours = together, "since"
    log.append([entry(str(n), organization_id=ours) for n in range(5)])
    since = log.since(ours)
    log.append([entry(str(n), organization_id=("theirs", ours)[n % 2]) for n in range(5, 15)])
    scope = Scope(organization_id=ours)
    found = CountReader(Reader(log)).count_up_to(1000, Query(ANY, scope, ALWAYS), since.seq)
    rows = Reader(log).page(Query(ANY, scope, ALWAYS), None, 100).rows
    newer = [row for row in rows if row.seq > since.organization_seq]
    assert found.number == len(newer) == 5
