"""How long *Unusual this week* takes on the embedded log, and where it lists planted incidents.

ROWS=10000000 python -m benchmarks.unusual
"""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.store import open_log
from audit_core.query.query import Query
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate_with_truth
from audit_core.unusual.reader import UnusualReader
from benchmarks.failed_starts import median_ms
from benchmarks.prepared import BATCH, PATIENT, UNTIL, Prepared, prepare

MAX_FINDINGS = 40
ENTRIES, SEEDS = 60_000, (7, 23)


def measure(prepared: Prepared) -> Table:
    """The time of the largest organization's list, for two weeks."""
    table = Table("week until", "findings", "median ms", "processor ms", title="Unusual this week")
    scope = Scope(organization_id=prepared.organization_id)
    with closing(open_log(prepared.log_url, limits=PATIENT)) as log:
        unusual = UnusualReader(Reader(log))
        for back in (timedelta(0), timedelta(days=14)):
            end = UNTIL - back

            def view(end: datetime = end) -> object:
                return unusual.findings(scope, end, "UTC", MAX_FINDINGS)

            found = unusual.findings(scope, end, "UTC", 10**6)
            wall_ms, processor_ms = median_ms(view)
            table.add_row(
                f"{end:%Y-%m-%d}", str(len(found.items)), f"{wall_ms:,.0f}", f"{processor_ms:,.0f}"
            )
    return table


def incidents(seed: int) -> Table:
    """The place in the list of its week at which each planted incident stands."""
    table = Table("incident", "organization", "place", "of", title=f"Incidents, seed {seed}")
    arrivals, truth = simulate_with_truth(entries=ENTRIES, seed=seed, until=UNTIL)
    with TemporaryDirectory() as folder, closing(open_log(f"duckdb:///{folder}/log.duckdb")) as log:
        while batch := [arrival.entry for arrival in islice(arrivals, BATCH)]:
            log.append(batch)
        reader = Reader(log)
        for name, incident in truth.incidents.items():
            if incident.last_at is None:
                continue
            end = incident.last_at.replace(minute=0) + timedelta(hours=2)
            own = set(incident.entry_ids)
            for organization_id, organization in DEMO_ORGANIZATIONS:
                if incident.organization_id not in (None, organization_id):
                    continue
                scope = Scope(organization_id=organization_id)
                items = UnusualReader(reader).findings(scope, end, "UTC", MAX_FINDINGS).items
                places = [
                    place
                    for place, item in enumerate(items, start=1)
                    if own & _shown(reader, Query(item.entry_filter, scope, item.time_range))
                ]
                place = str(places[0]) if places else "not found"
                table.add_row(name, organization, place, str(len(items)))
    return table


def _shown(reader: Reader, query: Query) -> set[str]:
    return {row.entry.id for row in reader.page(query, None, 500).rows}


def main() -> None:
    """Prints the figures for a log of `ROWS` entries, and the incidents of two seeds."""
    console = Console(width=110)
    console.print(measure(prepare(int(os.environ.get("ROWS", "1000000")))))
    for seed in SEEDS:
        console.print(incidents(seed))


if __name__ == "__main__":
    main()
