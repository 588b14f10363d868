"""Parquet: typed columns, packed by zstd, for data frames and warehouses."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyarrow import parquet

from audit_core.evidence.formats.options import DEFAULTS, FileOptions
from audit_core.evidence.formats.text_columns import STATUS, TIME, column

MEDIA_TYPE = "application/vnd.apache.parquet"


def schema_of(options: FileOptions) -> pa.Schema:
    """The columns of a file by their names: times are instants, to the microsecond, which readers
    show in the chosen zone; metadata is JSON as it is stored."""
    types = {TIME: pa.timestamp("us", tz=options.zone), STATUS: pa.int32()}
    return pa.schema([(name, types.get(name, pa.string())) for name in options.columns])


def write(tables: Iterable[pa.Table], options: FileOptions = DEFAULTS) -> Iterator[bytes]:
    """A row group for each table that has rows; `tables` have at least the 16 fields as columns."""
    schema, file = schema_of(options), _Taken()
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            if not table.num_rows:
                continue
            arrays = [
                column(table, field.name).cast(pa.timestamp("us", tz="UTC")).cast(field.type)
                if field.name == TIME
                else column(table, field.name)
                for field in schema
            ]
            writer.write_table(pa.table(arrays, schema=schema))
            yield file.take()
    yield file.take()


class _Taken(io.RawIOBase):
    """A file that is taken away in pieces while it is written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, piece: object) -> int:
        written = bytes(piece)  # type: ignore[call-overload]  # any buffer, as Arrow hands it
        self._pieces.append(written)
        self._size += len(written)
        return len(written)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken
