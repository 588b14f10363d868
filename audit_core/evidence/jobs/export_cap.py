"""How many entries one export of an organization may hold, as the operator settles it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from audit_core.domain.errors import ExportError
from audit_core.identity.memberships import require_organization
from audit_core.state.access_log.record import record
from audit_core.state.organization_settings import keep_setting, read_setting

EXPORT_MAX_ENTRIES = "export_max_entries"
"""The name of the organization's setting: a number, or no setting at all."""


def read_cap(connection: Connection, organization_id: str) -> int | None:
    """How many entries; `None`: the installation's limit alone counts."""
    kept = read_setting(connection, organization_id=organization_id, name=EXPORT_MAX_ENTRIES)
    return None if kept is None else int(kept)


def set_cap(
    connection: Connection,
    organization_id: str,
    entries: int | None,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Let each export from now on end there; `None`: let none. Raises `AccountError` for an
    organization that does not exist, `ExportError` below 1."""
    require_organization(connection, organization_id)
    if entries is not None and entries < 1:
        raise ExportError(
            f"An export of {entries:,} entries holds nothing.", "Give a number from 1 on."
        )
    kept = None if entries is None else str(entries)
    keep_setting(connection, organization_id=organization_id, name=EXPORT_MAX_ENTRIES, value=kept)
    record(
        connection,
        at=now,
        verb="export_limit.set",
        actor=actor,
        organization_id=organization_id,
        detail={"entries": "any number" if entries is None else entries},
    )
