"""What `doctor` says of legal holds: what they keep, and for how long beyond the retention."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from audit_core.domain.errors import AuditError
from audit_core.evidence.holds.holds import kept_beyond, kept_in_words
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation
from audit_core.log.retention import Retention
from audit_core.workspace.legal_holds import LegalHold, holds_in_force

PART = "legal holds"


def examine_holds(installation: Installation) -> Iterator[Finding]:
    """One finding for each organization that has holds in force."""
    try:
        with installation.state.read() as connection:
            holds = holds_in_force(connection)
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    by_organization = attrgetter("organization_id")
    for organization_id, own in groupby(sorted(holds, key=by_organization), by_organization):
        yield _of_organization(installation, organization_id, list(own))
    if not holds:
        yield Finding(part=PART, health=Health.OK, message="None is in force.")


def _of_organization(
    installation: Installation, organization_id: str, holds: list[LegalHold]
) -> Finding:
    now = installation.clock()
    earliest = Retention(days=installation.settings.retention_days).earliest(now)
    try:
        kept = kept_beyond(installation.log, holds, earliest)
    except AuditError as error:
        return Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
    oldest = min(hold.set_at for hold in holds)
    return Finding(
        part=PART,
        health=Health.OK,
        message=f"{organization_id}: {_in_force(kept.holds)}, the oldest since "
        f"{oldest:%Y-%m-%d}. {kept_in_words(kept, has_retention=earliest is not None)}",
    )


def _in_force(count: int) -> str:
    return "1 legal hold is in force" if count == 1 else f"{count:,} legal holds are in force"
