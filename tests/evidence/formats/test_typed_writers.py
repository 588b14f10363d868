"""Parquet and Excel: what stands in the files, read by others."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pandas
import pyarrow as pa
import pytest
from hypothesis import given
from pyarrow import parquet

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.evidence.formats import parquet_writer, xlsx_writer
from audit_core.evidence.formats.options import NAMES, FileOptions
from audit_core.log.schema import as_table
from audit_core.query.time.windows import format_instant
from tests.evidence.nasty_entries import FORMULAS, NASTY, made
from tests.evidence.written_entries import entries
from tests.support.laws import law

BERLIN = FileOptions(zone="Europe/Berlin")
FEW = FileOptions(columns=("createdAt", "statusCode", "id"), zone="Asia/Kolkata")


def parquet_file(found: list[AuditEntry], options: FileOptions) -> io.BytesIO:
    return io.BytesIO(b"".join(parquet_writer.write([as_table(found)], options)))


def workbook(*found: list[AuditEntry], options: FileOptions) -> openpyxl.Workbook:
    tables = (as_table(batch) for batch in found)
    return openpyxl.load_workbook(io.BytesIO(b"".join(xlsx_writer.write(tables, options))))


@law(60)
@given(entries)
def test_parquet_holds_every_value_as_it_is(found: list[AuditEntry]) -> None:
    table = parquet.read_table(parquet_file(found, FileOptions()))
    assert table.schema.names == list(NAMES)
    rows = [[getattr(entry, attribute) for _, attribute in FIELDS] for entry in found]
    assert [list(row.values()) for row in table.to_pylist()] == rows


def test_parquet_is_typed_packed_and_read_by_pandas() -> None:
    file = parquet_file(list(NASTY), FEW)
    read = parquet.ParquetFile(file)
    assert read.schema_arrow.names == list(FEW.columns)
    assert read.schema_arrow.field("createdAt").type == pa.timestamp("us", tz="Asia/Kolkata")
    assert read.schema_arrow.field("statusCode").type == pa.int32()
    assert read.metadata.row_group(0).column(0).compression == "ZSTD"
    frame = pandas.read_parquet(file)
    assert list(frame["id"]) == [entry.id for entry in NASTY]
    assert [time.to_pydatetime() for time in frame["createdAt"]] == [e.created_at for e in NASTY]
    assert str(frame["createdAt"].iloc[0]) == "2026-05-04 17:30:01+05:30"


def test_files_without_entries_have_their_columns() -> None:
    for none in ([], [as_table([])]):
        file = io.BytesIO(b"".join(parquet_writer.write(none, FEW)))
        assert parquet.read_table(file).schema.names == list(FEW.columns)
        book = openpyxl.load_workbook(io.BytesIO(b"".join(xlsx_writer.write(none, FEW))))
        (header,) = book["Entries"].iter_rows(values_only=True)
        assert header == ("createdAt", "statusCode", "id", "createdAtExact")


def test_a_workbook_has_dates_texts_a_frozen_header_and_a_filter() -> None:
    book = workbook(list(NASTY), options=BERLIN)
    assert book.sheetnames == ["Entries"]
    sheet = book["Entries"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:Q5")
    header, *rows = sheet.iter_rows()
    assert [cell.value for cell in header] == [*NAMES, "createdAtExact"]
    for row, entry in zip(rows, NASTY, strict=True):
        local = entry.created_at.astimezone(ZoneInfo("Europe/Berlin"))
        assert row[15].value.replace(microsecond=0) == local.replace(tzinfo=None, microsecond=0)
        assert row[15].is_date
        assert datetime.fromisoformat(row[16].value) == entry.created_at
        assert row[9].value == entry.status_code
        assert row[8].value == entry.target_id
        assert row[14].value == entry.metadata
        assert all(cell.data_type in "snd" for cell in row)
    assert rows[0][16].value == "2026-05-04T14:00:01+02:00"


def test_no_text_of_a_workbook_is_a_formula_or_a_link() -> None:
    texts = [text for text in (*FORMULAS, "http://a.example/", "0012", "TRUE", "1e5") if text]
    written = [made(number, target_id=text) for number, text in enumerate(texts)]
    sheet = workbook(written, options=FileOptions(columns=("targetId",)))["Entries"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    # A control character is written as Excel writes it, which openpyxl leaves to others.
    plain = [
        (cell.value, text) for cell, text in zip(cells, texts, strict=True) if text.isprintable()
    ]
    assert all(value == text for value, text in plain)


def test_what_a_cell_has_no_room_for_is_said_in_it() -> None:
    long = ["x" * 32_767, "x" * 32_768, "é" * 40_000]
    written = [made(number, error_message=text) for number, text in enumerate(long)]
    sheet = workbook(written, options=FileOptions(columns=("errorMessage",)))["Entries"]
    whole, *cut = [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert whole == long[0]
    assert all(len(text) == 32_767 and text.endswith(xlsx_writer.CUT) for text in cut)


def test_rows_beyond_a_sheet_stand_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_writer, "MAX_ROWS", 4)
    monkeypatch.setattr(xlsx_writer, "BATCH", 2)
    batches = [[made(number) for number in range(start, start + 5)] for start in (0, 5)]
    book = workbook(*batches, options=FileOptions(columns=("id",)))
    assert book.sheetnames == ["Entries", "Entries 2", "Entries 3", "Entries 4"]
    found = [
        [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
        for sheet in book.worksheets
    ]
    assert [len(ids) for ids in found] == [3, 3, 3, 1]
    assert [identity for ids in found for identity in ids] == [made(n).id for n in range(10)]
    assert all(sheet["A1"].value == "id" for sheet in book.worksheets)


@pytest.fixture
def soffice() -> Iterator[str]:
    found = shutil.which("soffice")
    if found is None:
        pytest.skip("LibreOffice is not installed (Debian: libreoffice-calc).")
    yield found


def test_libreoffice_reads_the_same_from_a_workbook(soffice: str, tmp_path: Path) -> None:
    file = tmp_path / "entries.xlsx"
    file.write_bytes(b"".join(xlsx_writer.write([as_table(NASTY)], FileOptions())))
    subprocess.run(
        [soffice, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
         "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false",
         "--outdir", str(tmp_path), str(file)],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    table = pandas.read_csv(tmp_path / "entries.csv", dtype=str, keep_default_na=False)
    assert list(table.columns) == [*NAMES, "createdAtExact"]
    assert list(table["createdAtExact"]) == [format_instant(entry.created_at) for entry in NASTY]
    assert table["createdAt"].iloc[0].startswith("2026-05-04 12:00:01")
    assert list(table["targetId"]) == [entry.target_id or "" for entry in NASTY]
    assert json.loads(table["metadata"][2])["body"]["name"] == "Ä=1"
    assert NASTY[0].created_at.tzinfo is UTC
