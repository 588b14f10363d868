"""How well the rule for silent failures finds those of the simulator, whose truth is known.

python -m benchmarks.silent_failures [--entries 200000] [--seeds 7 11 23]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.log.store import AuditLog, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate_with_truth
from audit_core.starts.attempts_sql import SilentRule, StartOutcome
from audit_core.starts.reader import StartsReader

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
BATCH = 20_000
WITHIN_MINUTES = (3, 5, 6, 7, 8, 10, 15, 30)
DELETE_AFTER_S = (0, 30, 60, 120)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the rule said against what was so."""

    suspected: int
    silent: int
    """How many attempts really failed in silence."""
    right: int
    """How many of the suspected did."""

    @property
    def precision(self) -> float:
        """How many of the suspected failed; 1 without any."""
        return self.right / self.suspected if self.suspected else 1.0

    @property
    def recall(self) -> float:
        """How many of those that failed are suspected; 1 without any."""
        return self.right / self.silent if self.silent else 1.0


def simulated(log: AuditLog, *, entries: int, seed: int) -> frozenset[str]:
    """Fills the log; the ids of the attempts that failed in silence."""
    arrivals, truth = simulate_with_truth(entries=entries, seed=seed, until=UNTIL)
    batch: list[AuditEntry] = []
    for arrival in arrivals:
        batch.append(arrival.entry)
        if len(batch) == BATCH:
            log.append(batch)
            batch.clear()
    log.append(batch)
    return frozenset(truth.silent_failures)


def judge(log: AuditLog, rule: SilentRule, silent: frozenset[str]) -> Judgement:
    """The rule's suspicions over the whole log of the demo's organizations."""
    suspected = set(suspicions(log, rule))
    return Judgement(suspected=len(suspected), silent=len(silent), right=len(suspected & silent))


def suspicions(log: AuditLog, rule: SilentRule) -> Iterator[str]:
    """The ids of all attempts that are suspected."""
    for organization_id, _ in DEMO_ORGANIZATIONS:
        page = StartsReader(log, rule).page(
            Query(
                EntryFilter(),
                Scope(organization_id=organization_id),
                TimeRange(since=None, until=None),
            ),
            outcomes=(StartOutcome.SUSPECTED,),
            rows=1_000_000,
        )
        yield from (attempt.entry.id for attempt in page.attempts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints precision and recall for several rules and seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 11, 23])
    given = parser.parse_args(arguments)
    default = SilentRule()
    rules = [
        *(replace(default, within=timedelta(minutes=minutes)) for minutes in WITHIN_MINUTES),
        *(replace(default, delete_after=timedelta(seconds=seconds)) for seconds in DELETE_AFTER_S),
    ]
    table = Table(
        *("seed", "within", "delete after", "silent", "suspected", "precision", "recall"),
        title=f"Silent failures among {given.entries:,} simulated entries",
    )
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder:
            log = open_log(f"duckdb:///{Path(folder) / 'log.duckdb'}")
            silent = simulated(log, entries=given.entries, seed=seed)
            for rule in rules:
                found = judge(log, rule, silent)
                table.add_row(
                    *(str(seed), str(rule.within), str(rule.delete_after)),
                    *(f"{found.silent}", f"{found.suspected}"),
                    *(f"{found.precision:.3f}", f"{found.recall:.3f}"),
                )
            log.close()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
