"""What is known of an organization's tree now: for the page, for alarms, and for probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit_core.integrity.tree import Trees
from audit_core.integrity.verification.findings import Verified, result_from_json
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import StoredCheckpoint
from audit_core.state.tree.status import TreeStatus, read_status, read_statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One tree's."""

    checkpoint: StoredCheckpoint | None
    """The newest; `None` before anything was sealed."""
    unsealed: int
    """How many writes the log has beyond it."""
    status: TreeStatus
    verified: Verified | None
    """The last whole verification; `None`: there was none yet."""

    @property
    def alarms(self) -> tuple[str, ...]:
        """What an organization must know at once, a sentence each; empty: nothing."""
        return alarms_of(self.status)


def standing_of(trees: Trees, state: State, organization_id: str, written: int) -> Standing:
    """Of an organization whose log has had `written` writes. Raises `AuditError`."""
    with state.read() as connection:
        status = read_status(connection, organization_id)
    newest = trees.newest(organization_id)
    return Standing(
        checkpoint=newest,
        unsealed=max(0, written - (newest.size if newest else 0)),
        status=status,
        verified=verified_of(status),
    )


def verified_of(status: TreeStatus) -> Verified | None:
    """What was kept of the last whole verification."""
    if status.verified_at is None or status.result is None:
        return None
    return Verified(at=status.verified_at, result=result_from_json(status.result))


def alarms_of(status: TreeStatus) -> tuple[str, ...]:
    """See `Standing.alarms`."""
    return tuple(_alarms(status))


def all_alarms(state: State) -> list[tuple[str, tuple[str, ...]]]:
    """(Organization, '' for none, and its alarms) of each that has any: for the operator."""
    with state.read() as connection:
        found = [(one.organization_id, alarms_of(one)) for one in read_statuses(connection)]
    return [(organization_id, alarms) for organization_id, alarms in found if alarms]


def _alarms(status: TreeStatus) -> Iterator[str]:
    if status.problem is not None:
        yield status.problem
    verified = verified_of(status)
    if verified is None:
        return
    alarming = verified.result.alarming
    if alarming or verified.result.more:
        yield from (finding.sentence for finding in alarming[:1])
        more = len(alarming[1:]) + verified.result.more
        if more:
            yield f"And {more:,} more findings."
