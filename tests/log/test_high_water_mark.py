"""A log that has lost its end says so, accepts nothing, and never gives a number twice."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from audit_core.domain.access import Scope
from audit_core.domain.errors import LogBehindError, StoreUnavailableError
from audit_core.explore.reader import Reader
from audit_core.installation.high_water_marks import StateMarks
from audit_core.log.high_water_mark import Loss, MarkKeeper, loss
from audit_core.log.numbering import NO_HEAD, Head
from audit_core.log.schema import entries, organization_head
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.state.database import open_state
from tests.support.strategies import entry, sample_entries

EVERYTHING = Scope.everything()

NUMBERS = st.integers(0, 9)
HEADS = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(Head, revision=NUMBERS, organization_seq=NUMBERS, organization_revision=NUMBERS),
)


@given(HEADS, HEADS)
def test_a_log_is_behind_when_it_lacks_any_number_that_is_marked(heads, marked):
    found = loss(heads, marked)
    lacking = sorted(
        name
        for name, mark in marked.items()
        if any(
            getattr(mark, item) > getattr(heads.get(name, NO_HEAD), item)
            for item in ("revision", "organization_seq", "organization_revision")
        )
    )
    assert (found.organizations if found else ()) == tuple(lacking)
    raised = {name: head.joined(marked.get(name, NO_HEAD)) for name, head in heads.items()}
    assert loss({**marked, **raised}, marked) is None


@pytest.fixture
def state(tmp_path):
    with closing(open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")) as state:
        yield state


@pytest.fixture
def marks(state):
    return StateMarks(state)


def numbers_of(log):
    page = Reader(log).page(
        Query(EntryFilter(), EVERYTHING, TimeRange(since=None, until=None)), None, 10_000
    )
    return {row.entry.id: row.seq for row in page.rows}


def url(path):
    return f"duckdb:///{path}"


def test_what_is_acknowledged_is_marked(tmp_path, marks, clock):
    log = open_log(url(tmp_path / "log.duckdb"), clock=clock, marks=marks)
    for batch in (sample_entries(200), [entry("x", status_code=None)], [entry("x")]):
        log.append(batch)
        assert dict(marks.read()) == dict(log._heads.known())
    log.close()


@pytest.mark.parametrize("lost", ["an older copy", "the file", "what came since the checkpoint"])
def test_a_lost_tail_is_told_and_no_number_is_given_twice(lost, tmp_path, marks, clock):
    path, older = tmp_path / "log.duckdb", tmp_path / "older.duckdb"
    log = open_log(url(path), clock=clock, marks=marks)
    log.append(sample_entries(300))
    log.close()
    shutil.copy(path, older)
    log = open_log(url(path), clock=clock, marks=marks)
    log.append([entry(f"later-{number}") for number in range(50)])
    given = set(numbers_of(log).values())
    log.close()
    path.unlink()
    if lost != "the file":
        shutil.copy(older, path)

    log = open_log(url(path), clock=clock, marks=marks)
    assert log.loss is not None
    assert log.loss.entries == (350 if lost == "the file" else 50)
    before = len(numbers_of(log))
    for work in (lambda: log.append([entry("new")]), log.check):
        with pytest.raises(LogBehindError, match="end of the log is lost"):
            work()
    assert len(numbers_of(log)) == before
    log.close()

    log = open_log(url(path), clock=clock, marks=marks)
    assert log.accept_loss() == log_loss(lost)
    assert log.loss is None
    log.append([entry("new"), entry("later-7")])
    assert not {numbers_of(log)[name] for name in ("new", "later-7")} & given
    log.close()
    log = open_log(url(path), clock=clock, marks=marks)
    assert log.loss is None
    log.append([entry("more")])
    assert numbers_of(log)["more"] > max(given)
    log.close()


def log_loss(lost):
    organizations = ("org-alpha",) if lost != "the file" else None
    if organizations is None:
        return AnyLoss()
    return Loss(entries=50, writes=50, organizations=organizations)


class AnyLoss:
    def __eq__(self, other):
        return isinstance(other, Loss)

    __hash__ = None


def test_copying_the_backup_back_mends_it(tmp_path, marks, clock):
    path = tmp_path / "log.duckdb"
    log = open_log(url(path), clock=clock, marks=marks)
    log.append([entry(f"e-{number}") for number in range(60)])
    kept = log.fetch(entries.select(), EVERYTHING, max_rows=1000).table
    log.close()
    path.unlink()
    log = open_log(url(path), clock=clock, marks=marks)
    with pytest.raises(LogBehindError):
        log.append([entry("new")])
    log.replicate(kept)
    assert log.loss is None
    assert log.append([entry("new")]).accepted == 1
    log.close()


@pytest.mark.parametrize("engine", ["postgresql", "clickhouse"])
def test_a_shared_log_that_is_behind_is_mended_by_another_process(engine, engines, marks, clock):
    address = engines.new_url(engine)
    log = open_log(address, clock=clock, marks=marks)
    log.append(sample_entries(30))
    highest = max(numbers_of(log).values())
    log.close()
    # As another database of an older time is.
    address = engines.new_url(engine)
    behind, mending = (open_log(address, clock=clock, marks=marks) for _ in range(2))
    with pytest.raises(LogBehindError):
        behind.append([entry("new")])
    assert mending.accept_loss() is not None
    assert behind.append([entry("new")]).accepted == 1
    assert numbers_of(behind)["new"] > highest
    behind.close()
    mending.close()


class FailingMarks:
    def __init__(self):
        self.failing = True
        self.kept = {}
        self.asked = threading.Event()

    def read(self):
        return {}

    def keep(self, heads):
        self.asked.set()
        if self.failing:
            raise StoreUnavailableError("The state is full.", "Make room.")
        self.kept.update(heads)


def test_marks_that_cannot_be_kept_lag_and_are_made_up_for(caplog):
    marks = FailingMarks()
    keeper = MarkKeeper(marks, wait_s=20, retry_s=0.01)
    for revision in range(1, 5):
        keeper.keep({"a": Head(revision=revision)})
    marks.failing = False
    keeper.keep({"b": Head(revision=9)})
    keeper.close()
    assert marks.kept == {"a": Head(revision=4), "b": Head(revision=9)}
    assert len([text for text in caplog.messages if "The state is full." in text]) == 1


def test_a_commit_waits_no_longer_than_told_for_its_mark(caplog):
    released = threading.Event()

    class Slow(FailingMarks):
        def keep(self, heads):
            released.wait(30)
            self.kept.update(heads)

    marks = Slow()
    keeper = MarkKeeper(marks, wait_s=0.01)
    for revision in (1, 2, 3):
        keeper.keep({"a": Head(revision=revision)})
    assert marks.kept == {}
    released.set()
    keeper.close()
    assert marks.kept == {"a": Head(revision=3)}
    assert any("lag" in text for text in caplog.messages)


def test_marks_are_only_ever_raised(engines, tmp_path):
    for address in (f"sqlite:///{tmp_path / 's.sqlite'}", engines.new_url("postgresql")):
        with closing(open_state(address)) as state:
            marks = StateMarks(state)
            high = Head(revision=9, organization_seq=3, organization_revision=9)
            low = Head(revision=5, organization_seq=4, organization_revision=5)
            marks.keep({"": high, "a": low})
            marks.keep({"": low})
            assert dict(marks.read()) == {"": high.joined(low), "a": low}


def test_dropped_months_are_no_loss(tmp_path, marks, clock):
    path = tmp_path / "log.duckdb"
    log = open_log(url(path), clock=clock, marks=marks)
    log.append(sample_entries(100))
    with log._engine.begin() as connection:
        log._log_engine.raise_heads(connection, log._heads.known())
        connection.execute(delete(entries.element.selects[0].get_final_froms()[0]))
        assert connection.execute(organization_head.select()).first() is not None
    log.close()
    log = open_log(url(path), clock=clock, marks=marks)
    assert log.loss is None
    log.close()
