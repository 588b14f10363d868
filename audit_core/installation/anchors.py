"""Checkpoints outside, for an opened installation: handing them over, and what of it the operator
and the organization should know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.domain.errors import AuditError
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation
from audit_core.integrity.anchors.anchoring import Anchoring
from audit_core.integrity.anchors.configured import anchors_of
from audit_core.integrity.anchors.standing import (
    AnchorStanding,
    OutsideFinding,
    findings,
    standings,
)
from audit_core.integrity.anchors.tree_checkpoints import TreeCheckpoints
from audit_core.state.anchors import anchor_progress
from audit_core.state.tree.checkpoints import newest_signed

PART = "checkpoints outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is outside of the checkpoints of one organization, or of all."""

    anchors: tuple[AnchorStanding, ...]
    """Each anchor that is set, for each organization that has a checkpoint."""
    findings: tuple[OutsideFinding, ...]
    """What somebody should know."""
    signed_at: dict[str, datetime]
    """When the newest checkpoint here was signed, by organization ('' for none); empty where no
    anchor is set."""
    configured: bool
    """Whether any anchor is set."""


def start_anchoring(installation: Installation) -> Anchoring:
    """Hand checkpoints over from now on, until it is stopped. Raises `SettingsError`."""
    return Anchoring(
        installation.state,
        anchors_of(installation.settings),
        TreeCheckpoints(installation.state, installation.trees),
        installation.clock,
    )


def outside_of(installation: Installation, organization_id: str | None) -> Outside:
    """Of an organization; `None`: of all, for the operator only. Raises `AuditError`."""
    names = [anchor.name for anchor in anchors_of(installation.settings)]
    if not names:
        return Outside(anchors=(), findings=(), signed_at={}, configured=False)
    lag = timedelta(minutes=installation.settings.anchor_lag_minutes)
    with installation.state.read() as connection:
        signed_at = newest_signed(connection, organization_id)
        progress = anchor_progress(connection, organization_id=organization_id)
    found = standings(names, progress, signed_at, lag)
    return Outside(
        anchors=tuple(found),
        findings=tuple(findings(found, signed_at, lag)),
        signed_at=signed_at,
        configured=bool(names),
    )


def examine_anchors(installation: Installation) -> Iterator[Finding]:
    """One finding for each organization whose checkpoints outside are too old, or contradict it."""
    try:
        outside = outside_of(installation, None)
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    if not outside.configured:
        yield Finding(
            part=PART,
            health=Health.OK,
            message="None is set: whoever has this machine could put an older log back unseen.",
            hint="Name a place outside in SANDTRAIL_ANCHOR_FOLDERS or SANDTRAIL_ANCHOR_WITNESSES.",
        )
        return
    for one in outside.findings:
        yield Finding(
            part=PART,
            health=Health.FAILED if one.serious else Health.WARNING,
            message=f"{one.organization_id or '(no organization)'}: {one.reason}",
            hint=one.hint,
        )
    if not outside.findings:
        yield Finding(
            part=PART,
            health=Health.OK,
            message=f"Of {len(outside.signed_at):,} logs none is contradicted, and none has been "
            "without a newer one for too long.",
        )


def anchor_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """Of how many logs checkpoints outside are too old, or contradict them: what anybody may know.
    Raises `AuditError`."""
    found = outside_of(installation, None).findings
    serious = sum(one.serious for one in found)
    numbers = {
        "contradicted by a checkpoint outside": serious,
        "without a new enough checkpoint outside": len(found) - serious,
    }
    return tuple(
        readiness.Finding(
            part=PART,
            reason=f"{number:,} {'log is' if number == 1 else 'logs are'} {how}. Which, and what "
            "to do: sandtrail doctor.",
        )
        for how, number in numbers.items()
        if number
    )
