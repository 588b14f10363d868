"""What the outside anchors have of each organization's checkpoints: the state of the last try, and
the receipts that were kept."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    false,
    insert,
    select,
    update,
)

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import FreeText, metadata

# One row for each organization ('' for none) and anchor: what it has, and how the last try went.
anchor = Table(
    "anchor",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("anchor_id", String(16), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("label", FreeText, nullable=False),
    Column("size", BigInteger),
    Column("signed_at", UtcTime),
    Column("received_at", UtcTime),
    Column("first_try_at", UtcTime, nullable=False),
    Column("next_try_at", UtcTime, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("problem", FreeText),
    Column("hint", FreeText),
    Column("contradicted", Boolean, nullable=False, server_default=false()),
)

# The last receipt of each day (UTC): a checkpoint, and the proof that the anchor gave for it.
anchor_receipt = Table(
    "anchor_receipt",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("anchor_id", String(16), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("label", FreeText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("note", FreeText, nullable=False),
    Column("proof", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorProgress:
    """What one anchor has of one organization's checkpoints."""

    organization_id: str
    """'' for entries of none."""
    anchor_id: str
    kind: str
    label: str
    """For people; no address with its secrets."""
    size: int | None
    """Of the newest checkpoint that it took; `None`: it took none yet."""
    signed_at: datetime | None
    """When that checkpoint was signed here."""
    received_at: datetime | None
    """When the anchor took it."""
    first_try_at: datetime
    next_try_at: datetime
    """Nothing is sent before."""
    failures: int
    """How many tries in a row have failed."""
    problem: str | None
    """What was wrong with the last try, as a sentence; `None`: nothing."""
    hint: str | None
    contradicted: bool
    """Whether the anchor has seen what this log does not hold: no fault that passes by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A checkpoint that an anchor took."""

    organization_id: str
    anchor_id: str
    kind: str
    label: str
    size: int
    note: str
    """The checkpoint as it was signed here."""
    proof: bytes
    """What the anchor gave for it: cosignatures or a time stamp; empty where it gives nothing."""
    received_at: datetime


def anchor_progress(
    connection: Connection, *, organization_id: str | None = None, anchor_id: str | None = None
) -> list[AnchorProgress]:
    """The progress of all anchors, or of one, with all organizations, or with one."""
    statement = select(anchor).order_by(anchor.c.organization_id, anchor.c.label)
    if organization_id is not None:
        statement = statement.where(anchor.c.organization_id == organization_id)
    if anchor_id is not None:
        statement = statement.where(anchor.c.anchor_id == anchor_id)
    return [AnchorProgress(**row) for row in connection.execute(statement).mappings()]


def claim_anchor(
    connection: Connection,
    *,
    organization_id: str,
    anchor_id: str,
    kind: str,
    label: str,
    now: datetime,
    until: datetime,
) -> bool:
    """Whether this process may hand a checkpoint over now: nobody else does before `until`."""
    key = {"organization_id": organization_id, "anchor_id": anchor_id}
    changed = connection.execute(
        update(anchor)
        .where(*_is(anchor, key), anchor.c.next_try_at <= now)
        .values(next_try_at=until, kind=kind, label=label)
    )
    if changed.rowcount:
        return True
    if connection.execute(select(1).select_from(anchor).where(*_is(anchor, key))).first():
        return False
    connection.execute(
        insert(anchor).values(
            **key, kind=kind, label=label, first_try_at=now, next_try_at=until, failures=0
        )
    )
    return True


def note_receipt(
    connection: Connection, receipt: Receipt, *, signed_at: datetime, next_try_at: datetime
) -> None:
    """The anchor took a checkpoint."""
    key = {"organization_id": receipt.organization_id, "anchor_id": receipt.anchor_id}
    connection.execute(
        update(anchor)
        .where(*_is(anchor, key))
        .values(
            size=receipt.size,
            signed_at=signed_at,
            received_at=receipt.received_at,
            next_try_at=next_try_at,
            failures=0,
            problem=None,
            hint=None,
            contradicted=False,
        )
    )
    key["day"] = receipt.received_at.strftime("%Y-%m-%d")
    connection.execute(delete(anchor_receipt).where(*_is(anchor_receipt, key)))
    connection.execute(
        insert(anchor_receipt).values(
            **key,
            kind=receipt.kind,
            label=receipt.label,
            size=receipt.size,
            note=receipt.note,
            proof=base64.b64encode(receipt.proof).decode("ascii"),
            received_at=receipt.received_at,
        )
    )


def note_anchor_problem(
    connection: Connection,
    *,
    organization_id: str,
    anchor_id: str,
    problem: str,
    hint: str,
    contradicted: bool,
    next_try_at: datetime,
) -> None:
    """A try has failed."""
    connection.execute(
        update(anchor)
        .where(*_is(anchor, {"organization_id": organization_id, "anchor_id": anchor_id}))
        .values(
            failures=anchor.c.failures + 1,
            problem=problem,
            hint=hint,
            contradicted=contradicted,
            next_try_at=next_try_at,
        )
    )


def newest_receipts(
    connection: Connection, organization_id: str, *, max_size: int | None = None
) -> list[Receipt]:
    """The newest receipt of each anchor, of checkpoints of at most `max_size`; also of anchors
    that are not used any more."""
    statement = (
        select(anchor_receipt)
        .where(anchor_receipt.c.organization_id == organization_id)
        .order_by(anchor_receipt.c.day)
    )
    if max_size is not None:
        statement = statement.where(anchor_receipt.c.size <= max_size)
    found = {row["anchor_id"]: row for row in connection.execute(statement).mappings()}
    return [_receipt(row) for row in found.values()]


def _is(table: Table, key: dict[str, str]) -> list[Any]:
    return [table.c[name] == value for name, value in key.items()]


def _receipt(row: RowMapping) -> Receipt:
    values = {name: value for name, value in row.items() if name != "day"}
    return Receipt(**(values | {"proof": base64.b64decode(values["proof"])}))
