"""Tables that were made to be read again and again."""

import io
import time

import pytest

from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_records

HEADER = b"id,actorId,action,createdAt\n"


def test_rows_that_never_end_are_read_in_linear_time_and_all_lines_are_accounted_for():
    # From the start of a row as from within a quote: each line ends within a quote.
    line = b'a","b\n'
    content = HEADER + line * (2_000_000 // len(line)) + b"e,u,create,2026-01-01T00:00:00Z\n"
    started = time.process_time()
    readings = list(read_records(io.BytesIO(content), "rows.csv"))
    assert time.process_time() - started < 60
    assert all(isinstance(reading, Rejection) for reading in readings[:-1])
    taken = sum(
        int(reading.reason.split("It takes the ")[1].split()[0].replace(",", ""))
        for reading in readings
        if isinstance(reading, Rejection) and "It takes the" in reading.reason
    )
    assert len(readings) + taken == content.count(b"\n") - 1


def test_a_header_that_is_too_long_is_refused():
    header = HEADER.strip() + b"," + b",".join(b"column_%d" % n for n in range(150_000)) + b"\n"
    with pytest.raises(SourceError, match=r"the limit is 1,048,576"):
        list(read_records(io.BytesIO(header + b"1,2,3,4\n"), "wide.csv"))
