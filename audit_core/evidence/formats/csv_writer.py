"""CSV: one entry a row, for spreadsheets or for machines (see `csv_text`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.evidence.formats.csv_text import (
    EXACT,
    HARMLESS_STARTS,
    MARK,
    Audience,
    neutralized,
)
from audit_core.evidence.formats.options import DEFAULTS, FileOptions
from audit_core.evidence.formats.text_columns import (
    STATUS,
    TIME,
    bytes_of,
    clock_text,
    column,
    exact_text,
    for_distinct,
    lines,
)

END = "\r\n"

_HARMLESS = np.isin(np.arange(256), [ord(char) for char in HARMLESS_STARTS])
_NOTHING = ("NULL", "null", "\\N")
"""What readers take for an absent value, as they do an empty cell."""


def write(
    tables: Iterable[pa.Table], audience: Audience, options: FileOptions = DEFAULTS
) -> Iterator[bytes]:
    """UTF-8 text by RFC 4180 with a header row; `tables` have at least the 16 fields as columns.

    An absent value is an empty cell; for machines an empty text is a quoted one, so that `ingest`
    makes the same entries of the file. For spreadsheets a mark stands before it, and the exact
    times behind the other columns.
    """
    yield _header(audience, options)
    for table in tables:
        if table.num_rows:
            yield _rows(table, audience, options)


def _header(audience: Audience, options: FileOptions) -> bytes:
    exact = [f"{TIME}{EXACT}"] if audience is Audience.SPREADSHEETS else []
    names = [*options.columns, *(exact if TIME in options.columns else [])]
    mark = MARK if audience is Audience.SPREADSHEETS else ""
    return (mark + options.delimiter.join(names) + END).encode()


def _rows(table: pa.Table, audience: Audience, options: FileOptions) -> bytes:
    machines = audience is Audience.MACHINES
    cells = []
    for name in options.columns:
        values = column(table, name)
        if name == TIME:
            written = exact_text if machines else clock_text
            cells.append(written(values, options.zone))
        elif name == STATUS:
            cells.append(values.cast(pa.string()))
        elif machines:
            cells.append(_exact(values, options.delimiter))
        else:
            cells.append(_quoted(_neutral(values), options.delimiter))
    if not machines and TIME in options.columns:
        cells.append(exact_text(column(table, TIME), options.zone))
    if len(cells) == 1 and not machines:
        # A line without anything would be skipped by who reads it.
        cells = [pc.if_else(pc.equal(pc.fill_null(cells[0], ""), ""), '""', cells[0])]
    return lines(cells, separator=options.delimiter, null="", end=END)


def _neutral(texts: pa.Array) -> pa.Array:
    """See `neutralized`."""
    found = bytes_of(texts)
    if not len(found):
        return texts
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    starts = offsets[:-1][np.diff(offsets) > 0] - offsets[0]
    if _HARMLESS[found[starts]].all():
        return texts
    return for_distinct(
        texts, lambda values: pa.array(map(neutralized, values.to_pylist()), pa.string())
    )


def _exact(texts: pa.Array, delimiter: str) -> pa.Array:
    """The texts, quoted where they could be taken for something else: see `csv_text`."""
    found = bytes_of(texts)
    shortest = pc.min(pc.binary_length(texts)).as_py() or 0
    # The mark's first byte is rare in UTF-8.
    if shortest <= max(map(len, _NOTHING)) or MARK.encode()[:1] in found.tobytes():
        taken = "|".join(map(re.escape, _NOTHING))
        pattern = rf'["\r\n{delimiter}]|\A(?:{taken})?\z|\A{MARK}'
        return for_distinct(texts, lambda values: _quoted_where(values, pattern))
    return _quoted(texts, delimiter)


def _quoted(texts: pa.Array, delimiter: str) -> pa.Array:
    """The texts, quoted where they hold what separates."""
    special = f'"\r\n{delimiter}'
    found = bytes_of(texts).tobytes()
    if not any(char.encode() in found for char in special):
        return texts
    return for_distinct(texts, lambda values: _quoted_where(values, f"[{special}]"))


def _quoted_where(texts: pa.Array, pattern: str) -> pa.Array:
    doubled = pc.replace_substring(texts, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    needed = pc.match_substring_regex(texts, pattern)
    return quoted if pc.all(needed).as_py() else pc.if_else(needed, quoted, texts)
