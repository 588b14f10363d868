"""JSON lines: one entry a line, the 16 fields as Daytona's API writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.evidence.formats.options import DEFAULTS, FileOptions
from audit_core.evidence.formats.text_columns import (
    METADATA,
    STATUS,
    TIME,
    bytes_of,
    column,
    exact_text,
    for_distinct,
    lines,
)
from audit_core.query.time.windows import format_instant

MEDIA_TYPE = "application/x-ndjson"


def json_object(entry: AuditEntry) -> dict[str, Any]:
    """The entry with its names in JSON: `metadata` as an object, `createdAt` as RFC 3339 in UTC."""
    fields: dict[str, Any] = {name: getattr(entry, attribute) for name, attribute in FIELDS}
    fields["metadata"] = None if entry.metadata is None else json.loads(entry.metadata)
    fields["createdAt"] = format_instant(entry.created_at)
    return fields


def write(tables: Iterable[pa.Table], options: FileOptions = DEFAULTS) -> Iterator[bytes]:
    """UTF-8 text; `tables` have at least the 16 fields as columns. Metadata is written as it is
    stored."""
    for table in tables:
        if table.num_rows:
            yield _lines(table, options)


def _lines(table: pa.Table, options: FileOptions) -> bytes:
    parts: list[pa.Array | str] = []
    opening = "{"
    for name in options.columns:
        parts += [f'{opening}"{name}":', _written(table, name, options.zone)]
        opening = ","
    return lines(parts, separator="", null="null", end="}\n")


def _written(table: pa.Table, name: str, zone: str) -> pa.Array:
    """A column as values of JSON."""
    values = column(table, name)
    if name == STATUS:
        return values.cast(pa.string())
    if name == METADATA:
        return _on_one_line(values)
    texts = exact_text(values, zone) if name == TIME else _escaped(values)
    return pc.binary_join_element_wise('"', texts, '"', "")


def _escaped(texts: pa.Array) -> pa.Array:
    """What stands between the quotation marks, as `json.dumps` writes it."""
    found = bytes_of(texts)
    controls = found.min(initial=0xFF) < 0x20
    written = found.tobytes()
    if not controls and b'"' not in written and b"\\" not in written:
        return texts
    special = [*(chr(code) for code in np.unique(found[found < 0x20])), '"']

    def escaped(values: pa.Array) -> pa.Array:
        values = pc.replace_substring(values, "\\", "\\\\")
        for char in special:
            values = pc.replace_substring(values, char, json.dumps(char)[1:-1])
        return values

    return for_distinct(texts, escaped)


def _on_one_line(metadata: pa.Array) -> pa.Array:
    """Line ends of JSON stand between its values only, where a space means the same."""
    written = bytes_of(metadata).tobytes()
    if b"\n" in written or b"\r" in written:
        return pc.replace_substring_regex(metadata, "[\r\n]", " ")
    return metadata
