"""How old the newest checkpoint outside is, and which anchors need somebody. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from audit_core.integrity.anchors.anchor import AnchorName
from audit_core.query.time.windows import length
from audit_core.state.anchors import AnchorProgress


class Standing(StrEnum):
    """What becomes of an anchor now."""

    TAKES = "takes"
    """It took the last checkpoint that it was handed."""
    NOT_YET = "not_yet"
    """It was never handed one."""
    TRIED_AGAIN = "tried_again"
    """Something is wrong that may pass by itself."""
    BEHIND = "behind"
    """What it has is older than it may be."""
    CONTRADICTS = "contradicts"
    """It has seen what this log does not hold."""

    @property
    def label(self) -> str:
        """For people."""
        return _LABELS[self]


_LABELS = {
    Standing.TAKES: "Up to date",
    Standing.NOT_YET: "Nothing sent yet",
    Standing.TRIED_AGAIN: "Trying again",
    Standing.BEHIND: "Behind",
    Standing.CONTRADICTS: "Contradicts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorStanding:
    """One anchor that is set, and one organization."""

    organization_id: str
    """'' for entries of none."""
    name: AnchorName
    standing: Standing
    progress: AnchorProgress | None
    """`None`: it was never handed anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideFinding:
    """What somebody should know about checkpoints outside of one organization's log."""

    organization_id: str
    """'' for entries of none."""
    serious: bool
    """Whether sealed entries were cut off, changed or put back, as far as an anchor can tell."""
    reason: str
    """A sentence."""
    hint: str


def standings(
    names: Sequence[AnchorName],
    progress: Collection[AnchorProgress],
    signed_at: Mapping[str, datetime],
    lag: timedelta,
) -> list[AnchorStanding]:
    """Each anchor that is set, for each organization in `signed_at`, which says when its newest
    checkpoint was signed. `lag`: how much older the anchor's newest may be."""
    known = {(row.organization_id, row.anchor_id): row for row in progress}
    return [
        AnchorStanding(
            organization_id=organization_id,
            name=name,
            progress=(row := known.get((organization_id, name.id))),
            standing=_standing(row, newest, lag),
        )
        for organization_id, newest in sorted(signed_at.items())
        for name in names
    ]


def findings(
    found: Sequence[AnchorStanding], signed_at: Mapping[str, datetime], lag: timedelta
) -> list[OutsideFinding]:
    """For each organization: every anchor that contradicts its log, and whether the newest
    checkpoint that any anchor has is too old. Nothing where no anchor is set."""
    of_organization: dict[str, list[AnchorStanding]] = defaultdict(list)
    for one in found:
        of_organization[one.organization_id].append(one)
    return [
        finding
        for organization_id, newest in sorted(signed_at.items())
        for finding in _of_organization(of_organization[organization_id], newest, lag)
    ]


def newest_outside(found: Sequence[AnchorStanding]) -> AnchorProgress | None:
    """The row of the anchor that has the newest checkpoint; `None` if none has any."""
    rows = [one.progress for one in found if one.progress is not None]
    having = [(row.signed_at, row) for row in rows if row.signed_at is not None]
    return max(having, key=lambda item: item[0])[1] if having else None


def _of_organization(
    found: Sequence[AnchorStanding], newest: datetime, lag: timedelta
) -> list[OutsideFinding]:
    serious = [
        OutsideFinding(
            organization_id=one.organization_id,
            serious=True,
            reason=one.progress.problem or "",
            hint=one.progress.hint or "",
        )
        for one in found
        if one.standing is Standing.CONTRADICTS and one.progress is not None
    ]
    rows = [one.progress for one in found if one.progress is not None]
    # Nothing is late where nothing was tried, or where one anchor at least is not.
    if serious or not rows or not all(_is_late(row, newest, lag) for row in rows):
        return serious
    last = newest_outside(found)
    problem = next((row.problem for row in rows if row.problem is not None), None)
    return [
        OutsideFinding(
            organization_id=found[0].organization_id,
            serious=False,
            reason="No checkpoint has reached a place outside yet."
            if last is None or last.signed_at is None
            else f"The newest checkpoint outside is {length(newest - last.signed_at)} older than "
            "the newest one here.",
            hint=problem or "Look at what the app wrote to its terminal.",
        )
    ]


def _standing(row: AnchorProgress | None, newest: datetime, lag: timedelta) -> Standing:
    if row is None:
        return Standing.NOT_YET
    if row.contradicted:
        return Standing.CONTRADICTS
    if _is_late(row, newest, lag):
        return Standing.BEHIND
    if row.problem is not None:
        return Standing.TRIED_AGAIN
    return Standing.NOT_YET if row.size is None else Standing.TAKES


def _is_late(row: AnchorProgress, newest: datetime, lag: timedelta) -> bool:
    """An anchor that was never reached is given as much time from its first try on."""
    return newest - (row.signed_at or row.first_try_at) > lag
