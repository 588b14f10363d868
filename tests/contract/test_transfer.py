from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.retention import Expiry
from audit_core.log.schema import ARROW
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.transfer import transfer as transfer_module
from audit_core.transfer.transfer import LocalOrigin, digest_of, transfer
from tests.contract.engines import ENGINES
from tests.support import laws
from tests.support.stored_rows import to_arrow
from tests.support.strategies import NOW, entry, sample_entries

pytestmark = pytest.mark.law

EVERYTHING = Scope.everything()
ALWAYS = TimeRange(since=None, until=None)

NASTY = [
    entry("quotes", error_message="'\"\\ %s %(x)s {y} \t\n\r\x1f\x01", action="a'b"),
    entry("empty", error_message="", ip_address="", source="", user_agent=None),
    entry("first", created_at=datetime(1970, 1, 1, tzinfo=UTC)),
    entry("last", created_at=datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    entry("wide", user_agent="Д\U0001f4a5␀" * 3000, metadata='{"a":{"b":[1,null,"\\u0001"]}}'),
]


def rows(log):
    page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 100_000)
    return page.rows


@pytest.fixture(scope="module", params=ENGINES if laws.FULL else ["next"])
def other(request, engine, engines):
    """Opens empty logs to copy to: of each engine in turn, or of the one after the first, so that
    each is copied from and to."""
    opened = []
    target = request.param
    if target == "next":
        target = ENGINES[(ENGINES.index(engine) + 1) % len(ENGINES)]

    def open_other():
        log = open_log(engines.new_url(target), clock=lambda: NOW + timedelta(hours=1))
        opened.append(log)
        return log

    yield open_other
    for log in opened:
        log.close()


def test_a_copy_holds_the_same_rows_with_the_same_numbers(log, other):
    log.append([*sample_entries(1500), *NASTY])
    log.append([replace(item, status_code=200) for item in sample_entries(40)])
    target = other()
    seen = []
    report = transfer(
        LocalOrigin(log, EVERYTHING), target, EVERYTHING, progress=lambda *step: seen.append(step)
    )
    assert report.differences == ()
    assert report.copied == report.entries == 1505
    assert seen[0] == (0, 1505)
    assert seen[-1] == (1505, 1505)
    assert rows(target) == rows(log)
    assert digest_of(target, EVERYTHING) == digest_of(log, EVERYTHING)
    for organization in ("org-alpha", "org-beta", None):
        assert target.head(organization) == log.head(organization)


def test_a_second_copy_takes_what_is_new_and_what_has_finished(log, other):
    log.append([*sample_entries(300), *(entry(f"open-{n}", status_code=None) for n in range(9))])
    target = other()
    transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING)
    log.append([entry("open-3", status_code=500), entry("open-4", status_code=0), entry("new")])
    report = transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING)
    assert (report.copied, report.differences) == (3, ())
    assert rows(target) == rows(log)
    assert transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING).copied == 0


def test_a_copy_that_was_cut_off_goes_on(log, other):
    log.append(sample_entries(600))
    target = other()

    class Cut(Exception):
        pass

    def cut(done, total):
        if done > 200:
            raise Cut

    with pytest.raises(Cut):
        transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING, progress=cut)
    before = len(rows(target))
    assert 0 < before < 600
    report = transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING)
    assert (report.copied, report.differences) == (600 - before, ())
    assert rows(target) == rows(log)


def test_a_copy_in_small_steps_holds_the_same(log, other, monkeypatch):
    monkeypatch.setattr(transfer_module, "STEP", 7)
    log.append(sample_entries(120))
    target = other()
    report = transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING)
    assert (report.copied, report.differences) == (120, ())
    assert rows(target) == rows(log)


def test_the_copy_goes_on_as_a_log_of_its_own(log, other):
    log.append([*sample_entries(50), entry("open", status_code=None)])
    target = other()
    transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING)
    last = target.last_seq()
    report = target.append([entry("open", status_code=200), entry("after"), *sample_entries(50)])
    assert (report.finished, report.accepted, report.known) == (1, 1, 50)
    assert target.last_seq() > last
    assert max(row.seq for row in rows(target)) > max(row.seq for row in rows(log))


def test_a_copy_gives_no_number_again_that_a_dropped_entry_had(log, other):
    log.append([entry("old", created_at=NOW - timedelta(days=90), organization_id="org-gone")])
    log.append([entry("a"), entry("late", created_at=NOW - timedelta(days=90))])
    with log._engine.begin() as connection:
        log._log_engine.drop_expired(connection, Expiry(earliest=NOW - timedelta(days=60)))
    target = other()
    assert transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING).differences == ()
    target.append([entry("b"), entry("c", organization_id="org-gone")])
    assert target.since("org-alpha").organization_seq == 3
    assert target.since("org-gone").organization_seq == 2
    page = Reader(target).page(
        Query(EntryFilter(), Scope(organization_id="org-gone"), ALWAYS), None, 9
    )
    assert [(row.entry.id, row.seq) for row in page.rows] == [("c", 2)]


def test_what_something_else_wrote_is_told(log, other):
    log.append([entry("a"), entry("b")])
    target = other()
    target.append([entry("z")])
    report = transfer(LocalOrigin(log, EVERYTHING), target, EVERYTHING)
    (difference,) = report.differences
    assert difference.there == 2
    assert difference.here >= 2


def test_a_change_in_any_column_is_noticed(tmp_path):
    row = to_arrow([(7, 9, NASTY[4])], received_at=NOW)
    seen = []
    for number, column in enumerate(["nothing", "nothing", *ARROW.names]):
        changed = {name: row.column(name) for name in ARROW.names}
        if column in changed:
            value = changed[column][0].as_py()
            other = {str: "x", int: 3, type(None): "y", datetime: NOW.replace(tzinfo=None, hour=3)}
            changed[column] = pa.array([other[type(value)]], ARROW.field(column).type)
        log = open_log(f"duckdb:///{tmp_path / str(number)}")
        log.replicate(pa.table(changed, schema=ARROW))
        seen.append(digest_of(log, EVERYTHING))
        log.close()
    unchanged, again, *others = seen
    assert unchanged == again
    unnoticed = [
        name for name, other in zip(ARROW.names, others, strict=True) if other == unchanged
    ]
    assert unnoticed == []
