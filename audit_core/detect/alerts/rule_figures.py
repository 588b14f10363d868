"""How well rules do: how many alerts each raised, how many of them were none, how long they stay
open."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from audit_core.detect.alerts.alert import Alert
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.state.detections.tables import alert


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """What became of the alerts of one rule."""

    alerts: int
    """Without those that were withdrawn."""
    open: int
    """Of those that somebody still has to work off."""
    false_positives: int
    judged: int
    """How many were closed as true, false or benign. A duplicate says nothing of the rule."""
    median_open: timedelta | None
    p90_open: timedelta | None
    """How long those that persons closed were open: half of them, and 9 of 10, no longer than this.
    `None`: nobody closed one."""

    @property
    def false_share(self) -> float | None:
        """From 0 to 1: false positives among those judged; `None`: none was."""
        return self.false_positives / self.judged if self.judged else None


def rule_figures(
    connection: Connection, organization_id: str, *, since: datetime, rule_id: str | None = None
) -> dict[str, RuleFigures]:
    """The figures of an organization's rules over alerts raised from `since` on (aware), by the
    rule's id; rules without one are left out. `rule_id`: of one rule only."""
    of_rule = [] if rule_id is None else [alert.c.rule_id == rule_id]
    by_rule: dict[str, list[Row[Any]]] = defaultdict(list)
    # There may be tens of thousands, and whole alerts take long to make.
    columns = (
        alert.c[name]
        for name in ("rule_id", "state", "resolution", "raised_at", "closed_at", "withdrawn_at")
    )
    rows = connection.execute(
        select(*columns).where(
            alert.c.organization_id == organization_id, alert.c.raised_at >= since, *of_rule
        )
    )
    for row in rows:
        by_rule[row.rule_id].append(row)
    return {found: figures_of(alerts) for found, alerts in by_rule.items()}


def figures_of(alerts: Iterable[Alert | Row[Any]]) -> RuleFigures:
    """The figures of some alerts, or of their rows."""
    standing = [one for one in alerts if one.withdrawn_at is None]
    closed = [one for one in standing if one.resolution is not None]
    lengths = sorted(one.closed_at - one.raised_at for one in closed if one.closed_at is not None)
    return RuleFigures(
        alerts=len(standing),
        open=sum(one.state != AlertState.CLOSED for one in standing),
        false_positives=sum(one.resolution == Resolution.FALSE_POSITIVE for one in closed),
        judged=sum(one.resolution != Resolution.DUPLICATE for one in closed),
        median_open=_quantile(lengths, 0.5),
        p90_open=_quantile(lengths, 0.9),
    )


def _quantile(lengths: Sequence[timedelta], share: float) -> timedelta | None:
    """The shortest that is at least as long as such a share of them."""
    return lengths[math.ceil(share * len(lengths)) - 1] if lengths else None
