"""What places outside said of the pack's log, checked by whoever has their keys."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.evidence.pack import layout
from audit_core.evidence.pack.archive import Archive
from audit_core.evidence.pack.verdicts import Verdict
from audit_core.integrity.anchors.verify import (
    AnchorVerdict,
    RecordInvalid,
    Support,
    Trust,
    read_record,
    verify_anchor,
)
from audit_core.integrity.checkpoint import Checkpoint

RECORD = ".json"


def check_anchors(verdict: Verdict, archive: Archive, head: Checkpoint, trust: Trust) -> None:
    """Each bears the time out, or speaks against it; without its key, that is said. What nobody
    outside has seen could have been written a moment before the pack was made."""
    names = sorted(name for name in archive.names() if name.startswith(layout.ANCHORS))
    found = list(_verdicts(verdict, archive, names, head, trust))
    for one in found:
        if one.support is Support.REFUTED:
            verdict.fail("time.anchor", f"{one.label}: {one.sentence}")
        else:
            verdict.notes.append(f"{one.label}: {one.sentence}")
    if not found:
        verdict.notes.append("Nobody outside has said when this log was as it is.")


def _verdicts(
    verdict: Verdict, archive: Archive, names: list[str], head: Checkpoint, trust: Trust
) -> Iterator[AnchorVerdict]:
    for name in names:
        if not name.endswith(RECORD):
            verdict.notes.append(f"{name} is not of a kind that is checked here.")
            continue
        try:
            record = read_record(archive.read(name))
        except RecordInvalid as error:
            verdict.fail("time.anchor_unreadable", f"{name}: {error}")
            continue
        yield verify_anchor(record, head, trust)
