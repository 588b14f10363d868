"""Bringing watermarks back to an earlier moment: that of the copy of a log."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, update

from audit_core.state.detections.tables import rule_watermark


def rewind_watermarks(connection: Connection, written: Mapping[str, int]) -> None:
    """Let no rule have looked farther than the copy of the log goes.

    `written` is how many writes of each organization that holds: later ones get the same numbers
    once the copy goes on, and nobody has looked at those."""
    column = rule_watermark.c
    connection.execute(
        update(rule_watermark)
        .where(column.organization_id.not_in(list(written)), column.revision > 0)
        .values(revision=0)
    )
    for organization_id, head in written.items():
        connection.execute(
            update(rule_watermark)
            .where(column.organization_id == organization_id, column.revision > head)
            .values(revision=head)
        )
