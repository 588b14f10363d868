"""Excel workbooks: real dates, a header that stays, a filter, as many sheets as are needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rustpy_xlsxwriter import write_worksheets

from audit_core.evidence.formats.csv_text import EXACT
from audit_core.evidence.formats.options import DEFAULTS, FileOptions
from audit_core.evidence.formats.text_columns import (
    PIECE_BYTES,
    STATUS,
    TIME,
    column,
    exact_text,
    local,
)

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MAX_ROWS = 2**20
"""How many rows a sheet may have, with its header."""
MAX_TEXT = 32_767
"""How many characters a cell may have."""
CUT = " … [cut: Excel has no room for more; CSV, JSON lines and Parquet have it whole]"

SHEET = "Entries"
BATCH = 500
"""How many rows are handed over at once: the writer holds on to the interpreter for them."""

_WIDTHS = {TIME: 19.0, f"{TIME}{EXACT}": 28.0, "id": 38.0, STATUS: 11.0}
_WIDTH = 22.0


def write(tables: Iterable[pa.Table], options: FileOptions = DEFAULTS) -> Iterator[bytes]:
    """The workbook, once all tables were read: they wait on the disk, since how many sheets there
    are stands before them. Until then an empty piece stands for each, by which whoever takes them
    sees how far it is. Raises `OSError` where the disk has no room.

    Texts are texts, whatever they begin with. Times are dates on the clocks of the chosen zone, to
    the second, and stand once more, exact, behind the other columns.
    """
    with tempfile.TemporaryDirectory(prefix="sandtrail-") as folder:
        rows, workbook = Path(folder) / "rows.arrow", Path(folder) / "entries.xlsx"
        sizes: list[int] = []
        for _ in _keep(tables, rows, options, sizes):
            yield b""
        _write_sheets(rows, sizes, workbook, options)
        with workbook.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _keep(
    tables: Iterable[pa.Table], rows: Path, options: FileOptions, sizes: list[int]
) -> Iterator[None]:
    """Put all rows into a file, table by table, and add to `sizes` how many each batch of it
    has."""
    packing = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(rows), "wb") as file,
        pa.ipc.new_file(file, _schema(options), options=packing) as writer,
    ):
        for table in tables:
            for batch in _cells(table, options).to_batches(max_chunksize=BATCH):
                writer.write_batch(batch)
                sizes.append(batch.num_rows)
            yield


def _write_sheets(rows: Path, sizes: list[int], workbook: Path, options: FileOptions) -> None:
    with pa.OSFile(str(rows), "rb") as file:
        kept = pa.ipc.open_file(file)
        sheets = _sheets(sizes)
        names = [SHEET if number == 0 else f"{SHEET} {number + 1}" for number in range(len(sheets))]
        widths = {name: _WIDTHS.get(name, _WIDTH) for name in _schema(options).names}
        write_worksheets(
            [
                (name, pa.RecordBatchReader.from_batches(kept.schema, _read(kept, parts)))
                for name, parts in zip(names, sheets, strict=True)
            ],
            str(workbook),
            freeze_panes={"general": {"row": 1, "col": 0}},
            autofilter=dict.fromkeys(names, True),
            column_widths=dict.fromkeys(names, widths),
            datetime_format="yyyy-mm-dd hh:mm:ss",
            bold_headers=True,
        )


Part = tuple[int, int, int]
"""Some rows of a batch: its index, the first of them, and how many."""


def _sheets(sizes: list[int]) -> list[list[Part]]:
    """Which rows stand on which sheet; a sheet without rows if there are none at all."""
    sheets: list[list[Part]] = [[]]
    room = MAX_ROWS - 1
    for index, size in enumerate(sizes):
        start = 0
        while start < size:
            if not room:
                sheets.append([])
                room = MAX_ROWS - 1
            taken = min(size - start, room)
            sheets[-1].append((index, start, taken))
            start, room = start + taken, room - taken
    return sheets


def _read(kept: pa.RecordBatchFileReader, parts: list[Part]) -> Iterator[pa.RecordBatch]:
    for index, start, taken in parts:
        yield kept.get_batch(index).slice(start, taken)


def _schema(options: FileOptions) -> pa.Schema:
    types = {TIME: pa.timestamp("us"), STATUS: pa.int32()}
    exact = [f"{TIME}{EXACT}"] if TIME in options.columns else []
    return pa.schema([(name, types.get(name, pa.string())) for name in (*options.columns, *exact)])


def _cells(table: pa.Table, options: FileOptions) -> pa.Table:
    cells = []
    for name in options.columns:
        values = column(table, name)
        if name == TIME:
            cells.append(local(values, options.zone))
        else:
            cells.append(values if name == STATUS else _fitting(values))
    if TIME in options.columns:
        cells.append(exact_text(column(table, TIME), options.zone))
    return pa.table(cells, schema=_schema(options))


def _fitting(texts: pa.Array) -> pa.Array:
    """The texts, with the end of one that is too long replaced by a note."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= MAX_TEXT:
        return texts
    cut = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(texts, 0, MAX_TEXT - len(CUT)), CUT, ""
    )
    return pc.if_else(pc.greater(pc.utf8_length(texts), MAX_TEXT), cut, texts)
