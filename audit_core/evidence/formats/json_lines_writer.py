"""JSON lines: one entry a line, the 16 fields as Daytona's API writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.query.time.windows import format_instant

MEDIA_TYPE = "application/x-ndjson"
EXTENSION = "jsonl"


def json_object(entry: AuditEntry) -> dict[str, Any]:
    """The entry with its names in JSON: `metadata` as an object, `createdAt` as RFC 3339 in UTC."""
    fields: dict[str, Any] = {name: getattr(entry, attribute) for name, attribute in FIELDS}
    fields["metadata"] = None if entry.metadata is None else json.loads(entry.metadata)
    fields["createdAt"] = format_instant(entry.created_at)
    return fields


def write(batches: Iterable[list[AuditEntry]]) -> Iterator[bytes]:
    """UTF-8 text, a piece for each batch."""
    for batch in batches:
        lines = (
            json.dumps(json_object(entry), ensure_ascii=False, separators=(",", ":"))
            for entry in batch
        )
        yield "".join(f"{line}\n" for line in lines).encode()
