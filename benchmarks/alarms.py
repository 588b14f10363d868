"""What the rules that ship would tell of the simulator's log, rule by rule: incidents, and alerts
that are none. On DuckDB, for several seeds, so that rules do not fit one."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from audit_core.detect.rules.catalog import FOLDER, rule_files
from audit_core.detect.rules.reading import read_rule_file
from audit_core.log.store import Limits, open_log
from tests.support.simulated_alarms import UNTIL, alarms_of, is_alarm, simulated

ROWS = 200_000
SEEDS = (7, 1, 2, 3)
MAX_PER_100_000 = 1.0
PATIENT = Limits(query_timeout_s=3600)


@dataclass(frozen=True, kw_only=True)
class RuleAlarms:
    """What one rule found in all of the logs."""

    name: str
    level: str
    alarm: bool
    """Whether a person is called; else it only says what was done."""
    incidents: Mapping[str, int]
    """Findings by incident."""
    others: int
    """Alerts that belong to none."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All rules over the logs of all seeds."""

    entries: int
    seeds: Sequence[int]
    rules: Sequence[RuleAlarms]

    @property
    def false_per_100_000(self) -> float:
        """Alerts of level low or above that belong to no incident."""
        return sum(one.others for one in self.rules if one.alarm) * 100_000 / self.entries

    @property
    def met(self) -> bool:
        """Whether they are as few as is asked."""
        return self.false_per_100_000 <= MAX_PER_100_000

    def table(self) -> Table:
        """Rule by rule."""
        table = Table(
            *("rule", "level", "incidents", "other alerts"),
            title=f"{self.entries:,} simulated entries, seeds {', '.join(map(str, self.seeds))}",
        )
        for one in self.rules:
            found = ", ".join(f"{name} {count}" for name, count in sorted(one.incidents.items()))
            table.add_row(one.name, one.level, found, str(one.others or ""))
        return table


def measure(rows: int, seeds: Sequence[int]) -> Measured:
    """Simulate a log of so many entries for each seed, and ask all rules."""
    rules = {path.stem: read_rule_file(path) for path in rule_files(FOLDER)}
    incidents: dict[str, Counter[str]] = {name: Counter() for name in rules}
    others: Counter[str] = Counter()
    entries = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="sandtrail-bench-alarms-") as folder:
            url = f"duckdb:///{Path(folder) / 'log.duckdb'}"
            with closing(open_log(url, clock=lambda: UNTIL, limits=PATIENT)) as log:
                held = simulated(log, entries=rows, seed=seed)
                entries += held.entries
                for name, rule in rules.items():
                    found = alarms_of(held, rule)
                    incidents[name].update(found.incidents)
                    others[name] += found.others
    return Measured(
        entries=entries,
        seeds=tuple(seeds),
        rules=[
            RuleAlarms(
                name=name,
                level=rule.level.value,
                alarm=is_alarm(rule),
                incidents=dict(incidents[name]),
                others=others[name],
            )
            for name, rule in rules.items()
        ],
    )
