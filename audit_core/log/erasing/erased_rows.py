"""What entries are once a person is erased from them: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from audit_core.domain.erasure import Subject
from audit_core.log.schema import ARROW

PERSONAL = (
    "actor_id",
    "actor_email",
    "actor_api_key_prefix",
    "actor_api_key_suffix",
    "target_id",
    "error_message",
    "ip_address",
    "user_agent",
    "metadata",
)
"""The columns that erasing may change."""

TEXTS = ("error_message", "user_agent", "metadata")
"""Those that go as a whole where they mention the subject."""

_OWN: dict[str, str | None] = {
    "actor_email": "",
    "actor_api_key_prefix": None,
    "actor_api_key_suffix": None,
    "error_message": None,
    "ip_address": None,
    "user_agent": None,
    "metadata": None,
}
"""What stands in the subject's own entries, beside the pseudonym."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRows:
    """Entries of the shape `schema.ARROW` that change: as they were, and as they are then."""

    before: pa.Table
    after: pa.Table
    own: int
    """How many of them are the subject's own; the others mention the subject."""


def erased_rows(rows: pa.Table, subject: Subject, pseudonym: str) -> ErasedRows:
    """Those of some entries, of the shape `schema.ARROW`, that are the subject's or mention it.

    The subject's own lose all that is personal. Of others' entries a text that mentions the
    subject goes as a whole; whoever did it stays named. None is changed twice.
    """
    columns: dict[str, list[Any]] = {name: rows.column(name).to_pylist() for name in PERSONAL}
    changed: list[int] = []
    own = 0
    for row in range(rows.num_rows):
        entry = {name: values[row] for name, values in columns.items()}
        acts = subject.acts(entry["actor_id"], entry["actor_email"])
        erased = _erased(entry, subject, pseudonym, acts=acts)
        if erased == entry:
            continue
        for name, value in erased.items():
            columns[name][row] = value
        changed.append(row)
        own += acts
    after = pa.table(
        [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else rows.column(field.name)
            for field in ARROW
        ],
        schema=ARROW,
    )
    places = pa.array(changed, pa.int64())
    return ErasedRows(before=rows.take(places), after=after.take(places), own=own)


def _erased(
    entry: dict[str, str | None], subject: Subject, pseudonym: str, *, acts: bool
) -> dict[str, str | None]:
    erased = dict(entry)
    if acts:
        erased |= {"actor_id": pseudonym, **_OWN}
    if subject.has_address(entry["actor_email"] or ""):
        erased["actor_email"] = ""
    for name in TEXTS:
        if subject.mentioned_in(erased[name]):
            erased[name] = None
    if subject.mentioned_in(erased["target_id"]):
        erased["target_id"] = pseudonym
    return erased
