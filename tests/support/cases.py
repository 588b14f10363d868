"""Small inputs on which something once failed, as entries of an organization of their own."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

from audit_core.domain.entries import AuditEntry
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_records

_FOLDER = Path(__file__).parent / "data" / "cases"


def case_entries(name: str, organization_id: str) -> list[AuditEntry]:
    """The entries of `data/cases/NAME.jsonl`, which all can be read."""
    readings = list(read_records(BytesIO((_FOLDER / f"{name}.jsonl").read_bytes()), name))
    assert not any(isinstance(reading, Rejection) for reading in readings), readings
    return [replace(reading.entry, organization_id=organization_id) for reading in readings]
