"""Every engine ends a statement at the deadline, and a server also when it is told to."""

import threading
import time

import pytest
from sqlalchemy import func, literal, select, text

from audit_core.domain.access import Scope
from audit_core.domain.errors import QueryCancelledError, QueryTimeoutError
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.schema import entries
from tests.support.strategies import sample_entries

EVERYTHING = Scope.everything()
SOON_S = 15


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    log.append(sample_entries(400))
    return log


def endless():
    """Counts the combinations of entries, too many to ever be counted."""
    first, *others = (entries.alias() for _ in range(8))
    mixed, joined = first.c.seq, first
    for other in others:
        joined = joined.join(other, other.c.organization_id == first.c.organization_id)
        mixed = mixed * literal(3) % literal(1000) + other.c.seq
    return select(func.count().label("count")).select_from(joined).where(mixed % literal(7) == 3)


def assert_works(log):
    assert log.fetch(select(text("1")), EVERYTHING, max_rows=1).table.num_rows == 1


def test_a_statement_ends_at_the_deadline_of_its_request(log):
    started = time.monotonic()
    with reading_in(ReadContext(timeout_s=0.5)), pytest.raises(QueryTimeoutError, match=r"0\.5"):
        log.fetch(endless(), EVERYTHING, max_rows=1)
    assert time.monotonic() - started < SOON_S
    assert_works(log)


def test_a_statement_ends_when_nobody_waits_for_it(log, engine):
    context, raised = ReadContext(timeout_s=2 * SOON_S), []

    def read():
        try:
            with reading_in(context):
                log.fetch(endless(), EVERYTHING, max_rows=1)
        except (QueryCancelledError, QueryTimeoutError) as error:
            raised.append(type(error))

    if engine == "clickhouse":
        pytest.skip("within this process only the time limit ends a statement")
    thread = threading.Thread(target=read)
    thread.start()
    while not log.running_reads:
        time.sleep(0.01)
    time.sleep(0.2)
    context.cancel()
    thread.join(SOON_S)
    assert raised == [QueryCancelledError]
    assert log.running_reads == 0
    for _ in range(3):
        assert_works(log)
