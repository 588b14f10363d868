"""A source that reads all organizations of a deployment: what it may see of this log, and the
organizations that it brings.

Only whoever runs this server can set one up, at the command line: it writes into every
organization.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.access import Scope
from audit_core.domain.errors import AccountError
from audit_core.identity.memberships import LONGEST_NAME, ensure_organization, organizations
from audit_core.log.merge import AppendReport
from audit_core.log.schema import NO_ORGANIZATION
from audit_core.sources.source import Source
from audit_core.state.access_log.record import record
from audit_core.state.database import State
from audit_core.state.operator_text import plain_text


def scope_of(source: Source) -> Scope:
    """What a source may compare with what it reads: its organization, or all of the log."""
    if source.organization_id is None:
        return Scope.everything()
    return Scope(organization_id=source.organization_id)


@dataclass(slots=True, kw_only=True)
class OrganizationsMade:
    """Makes organizations known before their first entries are stored; nobody is in them, until the
    operator grants it. Not to be used by two threads at once."""

    state: State
    append: Callable[[pa.Table], AppendReport]
    clock: Callable[[], datetime]
    source_name: str
    _known: set[str] = field(default_factory=set)

    def append_table(self, table: pa.Table) -> AppendReport:
        """Store entries as `append` does. Those whose organization cannot be made are refused."""
        column = table.column("organization_id")
        found = {name for name in pc.unique(column).to_pylist() if name != NO_ORGANIZATION}
        reasons = self._make(found - self._known) if found - self._known else {}
        if not reasons:
            return self.append(table)
        names = column.to_pylist()
        kept = [row for row, name in enumerate(names) if name not in reasons]
        report = self.append(table.take(pa.array(kept, pa.int64())))
        refused = [(kept[row], reason) for row, reason in report.refused]
        refused += [(row, reasons[name]) for row, name in enumerate(names) if name in reasons]
        return AppendReport(
            accepted=report.accepted,
            known=report.known,
            finished=report.finished,
            refused=tuple(sorted(refused)),
        )

    def _make(self, found: set[str]) -> dict[str, str]:
        """Make these known. Why those that cannot be, by name."""
        reasons: dict[str, str] = {}
        with self.state.begin() as connection:
            self._known = {name for name, _ in organizations(connection)}
            for name in sorted(found - self._known):
                try:
                    plain = plain_text("organization id", name, longest=LONGEST_NAME)
                except AccountError as error:
                    reasons[name] = error.message
                    continue
                if plain != name:
                    reasons[name] = "The organization id begins or ends with blanks."
                    continue
                ensure_organization(connection, organization_id=name)
                record(
                    connection,
                    at=self.clock(),
                    verb="source.organization_added",
                    actor=f"source: {self.source_name}",
                    detail={"organization": name},
                )
                self._known.add(name)
        return reasons
