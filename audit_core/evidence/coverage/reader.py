"""The catalogue against what was ever seen in an organization's log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import func, select

from audit_core.domain.entries import ACTIONS_OF_CATEGORY, Category, category_of
from audit_core.evidence.coverage.catalogue import CATALOGUE, Pair, Recorded
from audit_core.explore.reader import Reader
from audit_core.log.schema import Statement
from audit_core.query.derived_columns import failed
from audit_core.query.planner.plan import Plan
from audit_core.query.query import Query
from audit_core.query.time.hours import hour_of

MAX_PAIRS = 5_000
"""How many actions on targets are looked at; a log holds some hundred."""


class CoverageState(StrEnum):
    """What is known of an action on a target. The value is the name used in files."""

    SEEN = "seen"
    NEVER_SEEN = "never_seen"
    SWITCHED_ON = "switched_on"
    ELSEWHERE = "elsewhere"
    NAMED = "named"
    UNLISTED = "unlisted"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return _LABELS[self]

    @property
    def description(self) -> str:
        """What it means: a sentence."""
        return _DESCRIPTIONS[self]


_LABELS = {
    CoverageState.SEEN: "Recorded and seen",
    CoverageState.NEVER_SEEN: "Recorded, never seen",
    CoverageState.SWITCHED_ON: "Recorded if switched on",
    CoverageState.ELSEWHERE: "Recorded elsewhere",
    CoverageState.NAMED: "Known by name",
    CoverageState.UNLISTED: "Seen, not in the catalogue",
}

_DESCRIPTIONS = {
    CoverageState.SEEN: "The platform records it, and the window holds some.",
    CoverageState.NEVER_SEEN: "The platform records it, and the window holds none: it did not "
    "happen, or did not get here.",
    CoverageState.SWITCHED_ON: "The platform records it only where its operators switched the "
    "toolbox on, and the window holds none.",
    CoverageState.ELSEWHERE: "The platform records it without an organization, so it is in no "
    "organization's log.",
    CoverageState.NAMED: "Later versions of the platform have an action of this name; on which "
    "targets was not published, and the window holds none.",
    CoverageState.UNLISTED: "The window holds some, and the published catalogue does not list it: "
    "of a later version, or of another system.",
}

_UNSEEN = {
    Recorded.ORGANIZATION: CoverageState.NEVER_SEEN,
    Recorded.SWITCHED_ON: CoverageState.SWITCHED_ON,
    Recorded.ELSEWHERE: CoverageState.ELSEWHERE,
}


@dataclass(frozen=True, slots=True)
class SeenPair:
    """The entries of one action on one type of target."""

    target_type: str | None
    action: str
    count: int
    failed: int
    last_seen: datetime
    """Of the newest; in UTC without a zone. From a rollup it is the beginning of its hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageLine:
    """One action on one type of target."""

    target_type: str | None
    """`None`: without a target; of `CoverageState.NAMED`: not known."""
    action: str
    category: Category
    state: CoverageState
    count: int
    failed: int
    last_seen: datetime | None
    """The beginning of the hour in which the newest was made, aware, UTC; `None` if there is
    none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """All that is known, by target type and action in order of the alphabet; no target last."""

    lines: tuple[CoverageLine, ...]
    truncated: bool
    """Whether the window holds more than `MAX_PAIRS`: then what is not there may have been seen."""

    def number(self, state: CoverageState) -> int:
        """How many lines are in a state."""
        return sum(line.state is state for line in self.lines)


def seen_pairs(plan: Plan) -> Statement:
    """The rows of `SeenPair`, most entries first."""
    table = plan.source.table
    count = plan.source.count().label("count")
    return plan.source.options(
        select(
            table.c.target_type,
            table.c.action,
            count,
            plan.source.count(failed(table)).label("failed"),
            func.max(table.c.created_at).label("last_seen"),
        )
        .where(plan.where)
        .group_by(table.c.target_type, table.c.action)
        .order_by(count.desc(), table.c.action)
    )


@dataclass(frozen=True, slots=True)
class CoverageReader:
    """The read of what a log covers."""

    reader: Reader

    def coverage(self, query: Query) -> Coverage:
        """What the matches of a query cover."""
        statement = seen_pairs(self.reader.planner.plan(query))
        found = self.reader.log.fetch_rows(statement, query.scope, SeenPair, limit=MAX_PAIRS)
        return Coverage(lines=compare(found.items), truncated=found.truncated)


def compare(seen: Iterable[SeenPair]) -> tuple[CoverageLine, ...]:
    """A line for each pair that is in the catalogue or was seen, and for each known name that
    is in neither."""
    lines = [_seen_line(item) for item in seen]
    found: set[Pair] = {(line.target_type, line.action) for line in lines}
    lines += [
        _unseen_line(target_type, action, _UNSEEN[recorded])
        for (target_type, action), recorded in CATALOGUE.items()
        if (target_type, action) not in found
    ]
    told = {line.action for line in lines}
    names = frozenset[str]().union(*ACTIONS_OF_CATEGORY.values())
    lines += [_unseen_line(None, name, CoverageState.NAMED) for name in names - told]
    return tuple(
        sorted(lines, key=lambda line: (line.target_type is None, line.target_type, line.action))
    )


def _seen_line(item: SeenPair) -> CoverageLine:
    listed = (item.target_type, item.action) in CATALOGUE
    return CoverageLine(
        target_type=item.target_type,
        action=item.action,
        category=category_of(item.action, item.target_type),
        state=CoverageState.SEEN if listed else CoverageState.UNLISTED,
        count=item.count,
        failed=item.failed,
        # Rollups keep the hour only: the same is said whatever answers.
        last_seen=hour_of(item.last_seen.replace(tzinfo=UTC)),
    )


def _unseen_line(target_type: str | None, action: str, state: CoverageState) -> CoverageLine:
    return CoverageLine(
        target_type=target_type,
        action=action,
        category=category_of(action, target_type),
        state=state,
        count=0,
        failed=0,
        last_seen=None,
    )
