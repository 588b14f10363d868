from __future__ import annotations

import csv
import hashlib
import io
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry, Outcome
from audit_core.domain.errors import QueryCancelledError, StoreUnavailableError
from audit_core.domain.secret_shapes import MARK
from audit_core.evidence.download import FileKind, Format, Progress, file_name, stream
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.explore.export import tables
from audit_core.explore.reader import Reader
from audit_core.log.store import AuditLog, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from tests.evidence.nasty_entries import NASTY, NOON, made

EVERYTHING = EntryFilter(window=Window(preset="all"))
ALL_TIME = TimeRange(since=None, until=None)
ALPHA, BETA = Scope(organization_id="org-alpha"), Scope(organization_id="org-beta")
SMALL_STEP = 1_000
CSV, JSONL = FileKind(format=Format.CSV), FileKind(format=Format.JSONL)

Download = Callable[..., list[dict[str, object]]]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    log = open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: NOON)
    yield log
    log.close()


def download(
    log: AuditLog,
    scope: Scope = ALPHA,
    entry_filter: EntryFilter = EVERYTHING,
    time_range: TimeRange = ALL_TIME,
) -> list[dict[str, object]]:
    """The objects of a download as JSON lines, which are as many as it counted."""
    progress = Progress()
    pieces = stream(Reader(log), Query(entry_filter, scope, time_range), JSONL, progress=progress)
    found = [json.loads(line) for line in b"".join(pieces).split(b"\n") if line]
    assert progress.entries == len(found)
    return found


def objects(entries: Iterable[AuditEntry]) -> list[dict[str, object]]:
    return [json_object(entry) for entry in entries]


def test_both_formats_hold_the_same_entries_oldest_first(log: AuditLog) -> None:
    log.append(NASTY)
    oldest_first = sorted(NASTY, key=lambda entry: entry.created_at)
    assert download(log, Scope.everything()) == objects(oldest_first)
    file = b"".join(
        stream(
            Reader(log),
            Query(EVERYTHING, Scope.everything(), ALL_TIME),
            CSV,
            progress=Progress(),
        )
    ).decode()
    rows = csv.DictReader(io.StringIO(file, newline=""))
    assert [row["id"] for row in rows] == [entry.id for entry in oldest_first]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
def test_steps_of_any_size_give_each_entry_once_also_where_times_are_equal(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(tables, "STEP", step)
    written = [made(number, created_at=NOON + timedelta(number // 4)) for number in range(14)]
    log.append(written)
    assert download(log) == objects(written)


def test_what_arrives_or_finishes_meanwhile_changes_nothing_twice(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "STEP", 2)
    log.append([made(number, status_code=None) for number in range(6)])
    pieces = stream(Reader(log), Query(EVERYTHING, ALPHA, ALL_TIME), JSONL, progress=Progress())
    first = next(pieces)
    log.append([made(number) for number in (0, 1, 4, 5)])
    log.append([made(9), made(7)])
    found = [json.loads(line) for line in (first + b"".join(pieces)).splitlines()]
    assert [item["targetId"] for item in found] == [f"box-{number}" for number in range(6)]


def test_a_scope_gets_its_own_organization_only(log: AuditLog) -> None:
    log.append([made(1), made(2, organization_id="org-beta"), made(3, organization_id=None)])
    assert [item["id"] for item in download(log, ALPHA)] == ["entry-000001"]
    assert [item["id"] for item in download(log, BETA)] == ["entry-000002"]
    assert download(log, Scope(organization_id="org-gamma")) == []
    assert len(download(log, Scope.everything())) == 3


def test_filter_and_window_hold_as_on_the_page(log: AuditLog) -> None:
    log.append([made(number, status_code=500 if number % 3 == 0 else 200) for number in range(30)])
    entry_filter = EntryFilter(window=Window(preset="all"), outcomes=(Outcome.SERVER_ERROR,))
    time_range = TimeRange(since=NOON + timedelta(seconds=3), until=NOON + timedelta(seconds=12))
    found = download(log, ALPHA, entry_filter, time_range)
    assert [item["targetId"] for item in found] == ["box-3", "box-6", "box-9"]


def test_secrets_leave_only_with_a_scope_that_has_them(log: AuditLog) -> None:
    secret = made(1, metadata='{"query":{"token":"abc"}}', error_message="password=hunter2")
    log.append([secret])
    (shown,) = download(log, ALPHA)
    assert shown["metadata"] == {"query": {"token": MARK}}
    assert "hunter2" not in str(shown)
    assert download(log, Scope(organization_id="org-alpha", secrets=True)) == objects([secret])


def test_an_error_midway_comes_through_and_what_was_written_is_counted(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "STEP", 2)
    log.append([made(number) for number in range(20)])
    progress = Progress()
    pieces = stream(Reader(log), Query(EVERYTHING, ALPHA, ALL_TIME), CSV, progress=progress)
    assert next(pieces).startswith(b"id,")
    assert next(pieces).count(b"\n") == 2
    log.close()
    lines = 2
    # Steps are read while others are written: closing finds one running, or not yet begun.
    with pytest.raises((QueryCancelledError, StoreUnavailableError)):
        for piece in pieces:
            lines += piece.count(b"\n")
    assert progress.entries == lines < 20


def test_a_workbook_says_how_far_it_is_before_its_first_byte(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "STEP", 2)
    log.append([made(number) for number in range(8)])
    progress, told = Progress(), []
    pieces = stream(
        Reader(log),
        Query(EVERYTHING, ALPHA, ALL_TIME),
        FileKind(format=Format.XLSX),
        progress=progress,
        seen=lambda _: told.append((progress.entries, progress.size)),
    )
    file = b"".join(pieces)
    # Whoever takes the pieces is one behind whoever makes them, and counts the one before that.
    assert len(told) == 4
    assert told[-1][0] >= 4
    assert {size for _, size in told} == {0}
    assert (progress.entries, progress.size) == (8, len(file))


def test_memory_does_not_grow_with_the_file(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "STEP", SMALL_STEP)
    for start in range(0, 30_000, 10_000):
        log.append([made(number) for number in range(start, start + 10_000)])

    def peak(entries: int) -> int:
        time_range = TimeRange(since=NOON, until=NOON + timedelta(seconds=entries))
        progress = Progress()
        tracemalloc.start()
        try:
            for _ in stream(
                Reader(log), Query(EVERYTHING, ALPHA, time_range), CSV, progress=progress
            ):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert progress.entries == entries

    peak(SMALL_STEP * 2)
    # The next step is read while one is written, or is not yet: how much is held varies.
    assert peak(30_000) < 1.5 * peak(10_000)


@pytest.mark.parametrize(
    ("organization", "plain"),
    [
        ("Alpha Works", "alpha-works"),
        ("../../etc/passwd", "etc-passwd"),
        ('a"; filename="b.exe', "a-filename-b-exe"),
        ("Ünïted\r\nX: y", "united-x-y"),
        ("北京", "organization"),
        ("", "organization"),
        ("x" * 500, "x" * 60),
    ],
)
def test_the_file_name_is_plain_whatever_the_organization_is_called(
    organization: str, plain: str
) -> None:
    until = datetime(2026, 5, 5, 1, 2, 3, tzinfo=UTC)
    kind = FileKind(format=Format.JSONL, audience=Audience.MACHINES)
    name = file_name(organization, "", NOON, until, 7, kind)
    assert name == f"audit-log_{plain}_all_20260504T120000Z_20260505T010203Z_head-7.jsonl"
    title = file_name("o", organization or "all", NOON, until, 0, kind)
    assert title.startswith(f"audit-log_o_{plain.replace('organization', 'all')}_2026")


def test_the_file_name_of_a_table_says_whom_it_is_for() -> None:
    for audience in Audience:
        kind = FileKind(format=Format.CSV, audience=audience)
        name = file_name("o", "Failed starts", NOON, NOON, 7, kind)
        assert name.startswith("audit-log_o_failed-starts_")
        assert name.endswith(f"_head-7_for-{audience}.csv")


def test_a_download_knows_its_size_and_checksum(log: AuditLog) -> None:
    log.append(list(NASTY))
    progress = Progress()
    query = Query(EVERYTHING, ALPHA, ALL_TIME)
    file = b"".join(stream(Reader(log), query, CSV, progress=progress))
    assert (progress.size, progress.sha256) == (len(file), hashlib.sha256(file).hexdigest())
    assert progress.detail(True) == {"bytes": len(file), "sha256": progress.sha256}
    assert progress.detail(False) == {"bytes": len(file)}
