"""The pipeline counts only what is stored, keeps every rejection, and loses nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import SourceError, StorageFullError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_batches
from audit_core.ingest.formats.json_columns import read_line_batches
from audit_core.ingest.pipeline import MAX_KEPT, IngestReport, ingest, preview
from audit_core.ingest.records.batches import FOREIGN, Batch
from audit_core.log.merge import AppendReport
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog, open_log
from tests.ingest.records.test_record import GOOD
from tests.support.laws import law


def records(*changes: dict[str, object]) -> bytes:
    return "\n".join(json.dumps(GOOD | change) for change in changes).encode()


def batches(*changes: dict[str, object], item: int = 1000) -> Iterator[Batch]:
    """Batches of at most so many lines."""
    lines = iter(records(*changes).splitlines(keepends=True))
    content = iter(lambda: b"".join(islice(lines, item)), b"")
    return read_line_batches(content, "f")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = open_log(
        f"duckdb:///{tmp_path}/log.duckdb", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    yield opened
    opened.close()


def test_every_record_is_counted_once_and_refusals_carry_their_place(log: AuditLog) -> None:
    kept: list[Rejection] = []
    first = batches(
        {"id": "a", "statusCode": 200},
        {"id": "b"},
        {"id": ""},
        {"id": "a", "statusCode": 200},
        {"id": "a", "createdAt": "2025-01-01T00:00:00Z"},
    )
    report = ingest(first, append=log.append_table, keep=kept.extend, organization_id=None)
    assert report == IngestReport(accepted=2, known=1, finished=0, rejected=2)
    assert [rejection.place for rejection in kept] == ["f:3", "f:5"]
    assert kept[1].raw == json.dumps(GOOD | {"id": "a", "createdAt": "2025-01-01T00:00:00Z"})
    again = batches({"id": "a", "statusCode": 200}, {"id": "b", "statusCode": 500})
    report = ingest(again, append=log.append_table, keep=kept.extend, organization_id=None)
    assert report == IngestReport(accepted=0, known=1, finished=1, rejected=0)


class Store:
    """Remembers what it is given."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.kept: list[Rejection] = []
        self.reports: list[IngestReport] = []
        self.full_at: int | None = None

    def append(self, arriving: pa.Table) -> AppendReport:
        entries = from_arrow(arriving)
        if self.full_at is not None and len(self.entries) + len(entries) > self.full_at:
            raise StorageFullError("Full.", "Make room.")
        self.entries += entries
        return AppendReport(accepted=len(entries), known=0, finished=0, refused=())

    def keep(self, rejections: Sequence[Rejection]) -> None:
        self.kept += rejections

    def note(self, report: IngestReport) -> None:
        assert report.accepted == len(self.entries)
        assert report.rejected == len(self.kept)
        self.reports.append(report)


@law(60)
@given(st.lists(st.booleans(), max_size=40), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_any_mixture_in_any_batches_is_stored_and_kept_in_order(
    good: list[bool], item: int, batch: int, in_executor: bool
) -> None:
    store = Store()
    changes = [{"id": str(n) if ok else ""} for n, ok in enumerate(good)]
    with ThreadPoolExecutor(1) as executor:
        report = ingest(
            batches(*changes, item=item), append=store.append, keep=store.keep,
            organization_id=None, batch=batch, progress=None if in_executor else store.note,
            executor=executor if in_executor else None,
        )  # fmt: skip
    assert [entry.id for entry in store.entries] == [str(n) for n, ok in enumerate(good) if ok]
    assert [r.place for r in store.kept] == [f"f:{n + 1}" for n, ok in enumerate(good) if not ok]
    assert report == IngestReport(accepted=sum(good), rejected=len(good) - sum(good))
    assert in_executor or report == store.reports[-1]


def test_entries_of_other_organizations_are_rejected_without_detail() -> None:
    store = Store()
    found = batches(
        {"organizationId": "mine"}, {"organizationId": "theirs"}, {"organizationId": None}
    )
    report = ingest(found, append=store.append, keep=store.keep, organization_id="mine")
    assert [entry.organization_id for entry in store.entries] == ["mine"]
    assert [(r.place, r.reason) for r in store.kept] == [("f:2", FOREIGN), ("f:3", FOREIGN)]
    assert report.rejected == 2


def test_what_was_read_before_a_break_is_stored_first() -> None:
    store = Store()
    content = records(*({"id": str(n)} for n in range(5000)))
    with pytest.raises(SourceError):
        ingest(
            read_batches(io.BytesIO(content), "f", max_bytes=400_000),
            append=store.append, keep=store.keep, organization_id=None, progress=store.note,
        )  # fmt: skip
    assert store.reports[-1].accepted == len(store.entries) > 1000


def test_a_full_disk_ends_the_run_and_counts_only_what_was_stored() -> None:
    store = Store()
    store.full_at = 7
    with pytest.raises(StorageFullError):
        ingest(
            batches(*({"id": str(n)} for n in range(20)), item=3),
            append=store.append, keep=store.keep, organization_id=None, batch=3,
            progress=store.note,
        )  # fmt: skip
    assert store.reports[-1] == IngestReport(accepted=6)


def test_a_preview_stores_nothing_and_says_when_there_is_more() -> None:
    content = records(*({"id": str(n) if n % 2 else ""} for n in range(10)))
    seen = preview(io.BytesIO(content), "f", organization_id=None, limit=4)
    assert [entry.id for entry in seen.entries] == ["1", "3"]
    assert [rejection.place for rejection in seen.rejections] == ["f:1", "f:3"]
    assert seen.more
    assert not preview(io.BytesIO(content), "f", organization_id=None, limit=10).more
    assert len(preview(io.BytesIO(content), "f", organization_id="x").rejections) == 10


@pytest.mark.parametrize("many", [MAX_KEPT, MAX_KEPT + 2_345])
def test_rejections_are_kept_up_to_a_number_and_counted_beyond(log: AuditLog, many: int) -> None:
    content = b"{}\n" * many + records({"id": "a"})
    kept: list[Rejection] = []
    report = ingest(
        read_batches(io.BytesIO(content), "f"),
        append=log.append_table, keep=kept.extend, organization_id=None,
    )  # fmt: skip
    beyond = many - MAX_KEPT
    assert report == IngestReport(accepted=1, rejected=many, not_kept=beyond)
    assert len(kept) == MAX_KEPT + (beyond > 0)
    if beyond:
        assert kept[-1].place == f"f:{MAX_KEPT}"
        assert kept[-1].reason.startswith(f"{beyond:,} more records were rejected")
