"""A glance at new writes: which of an organization's rules they concern, for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.touched_sql import MAX_RULES, GlanceRow, glance
from audit_core.domain.access import Scope
from audit_core.log.store import AuditLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is known of the writes of an organization after one, up to another."""

    after: int
    until: int
    selected_by: frozenset[str]
    """The ids of the rules that select any of them."""
    rewritten: tuple[datetime, datetime] | None
    """When the first and the last was made that replaced an earlier version of its entry: aware;
    `None` if none did."""


def glance_at(
    log: AuditLog, rules: Sequence[Rule], organization_id: str, *, after: int, until: int
) -> Glance:
    """Look which of the rules, one at least, the writes may concern. Raises what a read raises."""
    scope = Scope(organization_id=organization_id)
    selected: set[str] = set()
    for at in range(0, len(rules), MAX_RULES):
        some = rules[at : at + MAX_RULES]
        statement = glance(some, scope, after=after, until=until)
        (row,) = log.fetch_rows(statement, scope, GlanceRow, limit=1).items
        bits = row.selected or 0
        selected |= {rule.id for number, rule in enumerate(some) if bits >> number & 1}
    rewritten = None
    if row.first is not None and row.last is not None:
        rewritten = row.first.replace(tzinfo=UTC), row.last.replace(tzinfo=UTC)
    return Glance(after=after, until=until, selected_by=frozenset(selected), rewritten=rewritten)
