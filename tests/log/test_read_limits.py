"""What bounds reads: one deadline for a request, cancellation, and places for those that run."""

import threading
import time

import pytest
from sqlalchemy import event, func, literal_column, select, text

from audit_core.domain.access import Scope
from audit_core.domain.errors import (
    BusyError,
    QueryCancelledError,
    QueryTimeoutError,
    StoreUnavailableError,
)
from audit_core.log.reads.admission import Admission, ReadLimits
from audit_core.log.reads.read_context import ReadContext, current, reading_in
from audit_core.log.store import Limits, open_log
from tests.support.strategies import entry

EVERYTHING = Scope.everything()
SOON_S = 10
"""Far above what an interrupt takes, far below what the statements here would take."""


@pytest.fixture
def log(tmp_path):
    log = open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", limits=Limits(query_timeout_s=60))
    log.append([entry("a")])
    yield log
    log.close()


def endless():
    """A statement that would run for hours."""
    return (
        select(func.count().label("count"))
        .select_from(text("range(10000000) a, range(10000000) b"))
        .where(text("hash(a.range + b.range) % 7 = 3"))
    )


def quick():
    return select(text("1"))


class Run(threading.Thread):
    """Runs something, and keeps what it raised."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work = work
        self.raised = None
        self.start()

    def run(self):
        try:
            self.work()
        except BaseException as error:
            self.raised = error

    def ended(self):
        self.join(SOON_S)
        assert not self.is_alive()
        return self.raised


def wait_until(true):
    until = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def running(log):
    return log.running_reads


def test_all_statements_of_a_request_share_one_time_limit(log):
    with reading_in(ReadContext(timeout_s=0.6)):
        with pytest.raises(QueryTimeoutError, match=r"0\.6 seconds"):
            log.fetch(endless(), EVERYTHING, max_rows=1)
        with pytest.raises(QueryTimeoutError, match=r"0\.6 seconds"):
            log.fetch(quick(), EVERYTHING, max_rows=1)
    assert log.fetch(quick(), EVERYTHING, max_rows=1).table.num_rows == 1


def test_patience_within_a_request_ends_sooner_and_then_is_over(log):
    with reading_in(log.new_request(person="ada")) as context:
        with log.patience(0.2), pytest.raises(QueryTimeoutError, match=r"0\.2 seconds"):
            log.fetch(endless(), EVERYTHING, max_rows=1)
        assert current() is context
        log.fetch(quick(), EVERYTHING, max_rows=1)
    assert current() is None


def test_a_cancelled_request_ends_what_runs_and_begins_nothing_more(log):
    context = ReadContext()

    def read():
        with reading_in(context), log.patience(50):
            log.fetch(endless(), EVERYTHING, max_rows=1)

    run = Run(read)
    wait_until(lambda: running(log))
    context.cancel()
    assert isinstance(run.ended(), QueryCancelledError)
    with reading_in(context), pytest.raises(QueryCancelledError):
        log.fetch(quick(), EVERYTHING, max_rows=1)


def test_a_client_that_leaves_ends_its_statement_and_no_other(log):
    left = threading.Event()

    def read(abandoned):
        with reading_in(log.new_request(person="ada", abandoned=abandoned)):
            log.fetch(endless(), EVERYTHING, max_rows=1)

    stays, leaves = Run(lambda: read(lambda: False)), Run(lambda: read(left.is_set))
    wait_until(lambda: running(log) == 2)
    left.set()
    assert isinstance(leaves.ended(), QueryCancelledError)
    assert stays.is_alive()
    log.interrupt_all()
    assert isinstance(stays.ended(), QueryCancelledError)
    log.fetch(quick(), EVERYTHING, max_rows=1)


def test_what_breaks_off_while_rows_are_taken_is_told_like_what_breaks_off_before(log):
    rows = func.range(1_000_000).table_valued("range")
    statement = select(rows.c.range)

    def interrupt(connection, *_):
        connection.connection.driver_connection.interrupt()

    event.listen(log._engine, "after_cursor_execute", interrupt)
    with pytest.raises(QueryTimeoutError):
        log.fetch(statement, Scope.everything(), max_rows=1_000_000)
    event.remove(log._engine, "after_cursor_execute", interrupt)
    last = literal_column("CASE WHEN range = 999999 THEN error('Corrupt block') ELSE range END")
    with pytest.raises(StoreUnavailableError):
        log.fetch(
            select(last.label("range")).select_from(rows), Scope.everything(), max_rows=1_000_000
        )
    assert log.fetch(statement, Scope.everything(), max_rows=5).table.num_rows == 5


def test_closing_the_log_ends_what_runs(log):
    run = Run(lambda: log.fetch(endless(), EVERYTHING, max_rows=1))
    wait_until(lambda: running(log))
    log.close()
    assert isinstance(run.ended(), QueryCancelledError)


def test_who_asks_for_much_waits_behind_who_asks_for_little():
    admission = Admission(ReadLimits(total=2, per_organization=2, per_person=2), wait_s=SOON_S)
    ada, bob = ReadContext(person="ada"), ReadContext(person="bob")
    order, first_ends, all_end = [], threading.Event(), threading.Event()

    def read(name, organization, context, until=all_end):
        with admission.slot(organization, context):
            order.append(name)
            until.wait(SOON_S)

    runs = [
        Run(lambda: read("first", "one", ada, first_ends)),
        Run(lambda: read("second", "one", ada)),
    ]
    wait_until(lambda: len(order) == 2)
    runs += [Run(lambda: read("third", "one", ada))]
    wait_until(lambda: len(admission._waiting) == 1)
    runs += [Run(lambda: read("other", "two", bob))]
    wait_until(lambda: len(admission._waiting) == 2)
    first_ends.set()
    wait_until(lambda: len(order) == 3)
    assert order[2] == "other"
    all_end.set()
    assert [run.ended() for run in runs] == [None] * 4


def test_one_person_cannot_take_all_places():
    admission = Admission(ReadLimits(per_person=1, waiting_per_person=1), wait_s=0.1)
    ada, bob = ReadContext(person="ada"), ReadContext(person="bob")
    with admission.slot("one", ada):
        with (
            pytest.raises(BusyError, match="You have 1 reads") as caught,
            admission.slot("one", ada),
        ):
            pass
        assert caught.value.retry_after_s > 0
        with admission.slot("one", bob), admission.slot("two", ReadContext()):
            pass
    with admission.slot("one", ada):
        pass


def test_an_organization_leaves_places_for_the_others_and_is_told_nothing_of_them():
    admission = Admission(ReadLimits(total=2, per_organization=1), wait_s=0.05)
    with admission.slot("one", ReadContext(person="ada")):
        with pytest.raises(BusyError) as caught, admission.slot("one", ReadContext(person="bob")):
            pass
        assert caught.value.message == "The log is busy."
        with admission.slot("two", ReadContext(person="eve")):
            pass


def test_who_leaves_the_queue_does_not_wait_to_its_end():
    admission = Admission(ReadLimits(total=1), wait_s=60)
    context = ReadContext(person="bob")

    def wait():
        with admission.slot("one", context):
            pass

    with admission.slot("one", ReadContext(person="ada")):
        run = Run(wait)
        wait_until(lambda: admission._waiting)
        context.cancel()
        assert isinstance(run.ended(), QueryCancelledError)
    assert not admission._waiting
    assert not admission._running


def watchdogs():
    return {thread for thread in threading.enumerate() if thread.name == "log-watchdog"}


def test_a_closed_log_leaves_no_thread_behind(tmp_path):
    before = watchdogs()
    log = open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", limits=Limits(query_timeout_s=60))
    run = Run(lambda: log.fetch(endless(), EVERYTHING, max_rows=1))
    wait_until(lambda: log.running_reads)
    assert watchdogs() > before
    log.close()
    assert isinstance(run.ended(), QueryCancelledError)
    wait_until(lambda: watchdogs() <= before)


def test_a_log_that_cannot_be_opened_leaves_no_thread_behind(tmp_path):
    class Broken:
        def read(self):
            raise StoreUnavailableError("The marks cannot be read.", "Repair them.")

    before = watchdogs()
    with pytest.raises(StoreUnavailableError):
        open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", marks=Broken())
    wait_until(lambda: watchdogs() <= before)
