"""Why a pack cannot be made."""

from __future__ import annotations

from audit_core.domain.errors import AuditError


class PackProblem(AuditError):
    """A pack cannot be made of what was asked for, or of the log as it is."""
