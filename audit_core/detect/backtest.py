"""A backtest: which alerts a rule would have raised, had it been on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from audit_core.detect.alerts.would_be import WouldBeAlert, joined
from audit_core.detect.findings_sql import FoundRow, findings
from audit_core.detect.rules.rule import LogSource, Rule
from audit_core.domain.access import Scope
from audit_core.domain.errors import RuleError
from audit_core.log.store import AuditLog

MAX_FINDINGS = 100_000
"""How many findings one backtest looks at; a rule that finds more is no rule."""

DEFAULT_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a rule would have raised."""

    alerts: tuple[WouldBeAlert, ...]
    """Oldest first."""
    more: bool
    """Whether there was more than is looked at."""

    @property
    def weeks(self) -> dict[date, int]:
        """How many alerts began in each week, by its Monday, in order; weeks without one are
        left out."""
        mondays = Counter(
            alert.first.date() - timedelta(days=alert.first.weekday()) for alert in self.alerts
        )
        return dict(sorted(mondays.items()))


def backtest(
    log: AuditLog, rule: Rule, scope: Scope, *, since: datetime, until: datetime, now: datetime
) -> Backtest:
    """The alerts at entries of the scope's organization made from `since` to before `until`
    (aware). Raises `RuleError` for a rule that looks elsewhere, and what a read raises."""
    if rule.source is not LogSource.ENTRIES:
        raise RuleError(
            f"{rule.title} looks in {rule.source.value}, not in the log's entries.",
            "Only rules over entries are tried over the past.",
        )
    statement = findings(rule, scope, since=since, until=until, now=now, through_most=True)
    found = log.fetch_rows(statement, scope, FoundRow, limit=MAX_FINDINGS)
    return Backtest(alerts=joined(found.items, len(rule.groups)), more=found.truncated)
