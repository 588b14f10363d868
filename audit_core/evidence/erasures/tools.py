"""What erasures are asked for and carried out with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures.identities import Identities
from audit_core.evidence.holds.holds import require_not_held
from audit_core.evidence.jobs.files import ExportFiles
from audit_core.log.store import AuditLog
from audit_core.state.database import State
from audit_core.workspace.legal_holds import holds_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureTools:
    """The databases, and the files of exports."""

    log: AuditLog
    state: State
    identities: Identities
    files: ExportFiles
    clock: Callable[[], datetime]

    def require_not_held(self, subject: Subject, until: datetime) -> None:
        """Raises `HeldError` if a legal hold keeps an entry made up to a moment that erasing the
        person would change, else what a read of the log raises."""
        with self.state.read() as connection:
            holds = holds_in_force(connection, subject.organization_id)
        require_not_held(self.log, holds, subject, until=until)
