"""Creates of sandboxes, as the log keeps them beside the entries."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.entries import CREATE, NAME_PATH, SANDBOX
from audit_core.log.schema import Statement, sandbox_creation
from audit_core.log.sql.functions import json_text


def creates_sandbox(rows: FromClause) -> ColumnElement[bool]:
    """Whether an entry is a create of a sandbox, whatever the answer."""
    return and_(rows.c.target_type == literal(SANDBOX), rows.c.action == literal(CREATE))


def creations_among(rows: FromClause) -> Statement:
    """The creates of sandboxes among entries, as rows of `sandbox_creation`."""
    # An append must not fail for metadata that is no JSON.
    metadata = case((func.json_valid(rows.c.metadata), rows.c.metadata))
    sandbox_name = json_text(metadata, NAME_PATH)
    names = [column.name for column in sandbox_creation.c]
    columns = (sandbox_name.label(name) if name == "name" else rows.c[name] for name in names)
    return select(*columns).where(creates_sandbox(rows))
