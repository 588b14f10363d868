"""How much a pack holds beside the entries that it is asked for, before it is made."""

from __future__ import annotations

from audit_core.evidence.pack.making.cut import received_before
from audit_core.log.store import AuditLog
from audit_core.query.query import Query

MAX_LEFT_OUT = 1_000_000
"""More leaves that the filter leaves out are said before the pack is made: it will be large."""


def left_out(log: AuditLog, query: Query, matching: int) -> int:
    """How many leaves a pack made now would hold that are none of the `matching` entries: those of
    its run that the filter leaves out, and earlier versions of entries that were finished since.

    Raises what a read of the log raises.
    """
    size = log.head(query.scope.organization_id)
    start = 0
    if query.time_range.since is not None:
        statement = received_before(query, query.time_range.since, size)
        found = log.fetch(statement, query.scope, max_rows=1).table
        start = (found.column("organization_revision")[0].as_py() - 1) if found.num_rows else 0
    return max(0, size - start - matching)


def left_out_warning(leaves: int) -> str | None:
    """What is said beforehand of a pack that holds so many further leaves; `None`: nothing."""
    if leaves <= MAX_LEFT_OUT:
        return None
    return (
        f"The pack will hold {leaves:,} further writes that the filter leaves out, so that nobody "
        "can say something was kept from it: it will be large, and take long. A window that begins "
        "later has fewer."
    )
