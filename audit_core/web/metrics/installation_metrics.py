"""What the opened product says of itself at the moment somebody asks."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from audit_core.detect.watching.report import WatchFigures
from audit_core.ingest.tally import TALLY
from audit_core.installation.opened import Installation
from audit_core.installation.watching import figures_of
from audit_core.runtime.version import product_version
from audit_core.runtime.waits import APPENDS, READS, Waits
from audit_core.sources.source import Progress, Source, sources_with_progress
from audit_core.sources.standing import Standing, answered_at, standing_of

ORGANIZATION, DEPLOYMENT = "daytona", "daytona_deployment"
"""The kinds of sources that are pulled: one organization of a Daytona, and all of one."""

OUTCOMES = ("accepted", "late", "finished", "rejected")
"""What becomes of records that are pulled, by the fields of `Progress`."""


class InstallationMetrics(Collector):
    """Asks the product anew each time; `connections` says how many are open, `None` where that is
    not known.

    `collect` blocks, and raises `StoreUnavailableError`.
    """

    def __init__(
        self, installation: Callable[[], Installation], connections: Callable[[], int | None]
    ) -> None:
        self._installation, self._connections = installation, connections

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask a product that is not open yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics but those of requests."""
        opened = self._installation()
        info = GaugeMetricFamily(
            "sandtrail_build_info", "Always 1; the label is the version.", labels=["version"]
        )
        info.add_metric([product_version()], 1)
        yield info
        connections = self._connections()
        if connections is not None:
            yield GaugeMetricFamily(
                "sandtrail_connections", "Open TCP connections, websockets included.", connections
            )
        yield from _log_metrics(opened)
        with opened.state.read() as connection:
            sources = sources_with_progress(connection, None)
        yield from _source_metrics(opened, sources)
        yield from _rule_metrics(figures_of(opened))


def _log_metrics(opened: Installation) -> Iterator[Metric]:
    records = CounterMetricFamily(
        "sandtrail_records",
        "Records that this process took in since it began, whatever way they came, by outcome.",
        labels=["outcome"],
    )
    for outcome, count in asdict(TALLY.totals).items():
        records.add_metric([outcome], count)
    yield records
    heads = opened.log.heads().values()
    yield CounterMetricFamily(
        "sandtrail_log_entries",
        "Entries that the log has numbered; what retention drops stays counted.",
        sum(head.organization_seq for head in heads),
    )
    if TALLY.stored_at is not None:
        yield GaugeMetricFamily(
            "sandtrail_log_head_age_seconds",
            "Seconds since this process last stored or finished an entry; missing before that.",
            time.monotonic() - TALLY.stored_at,
        )
    yield GaugeMetricFamily(
        "sandtrail_log_behind",
        "1 while the log lacks acknowledged entries, and accepts nothing.",
        float(opened.log.loss is not None),
    )
    yield GaugeMetricFamily(
        "sandtrail_reads_running", "Reads of the log that run now.", opened.log.running_reads
    )
    yield _wait("sandtrail_read_wait_seconds", "Waits of reads for a place.", READS)
    yield _wait(
        "sandtrail_append_wait_seconds",
        "Waits of appends for the commit that takes them to begin.",
        APPENDS,
    )


def _rule_metrics(figures: WatchFigures) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "sandtrail_rules_watch_age_seconds",
        "Seconds since some process was last known to let rules watch; it says so every 10. "
        "Infinite if none ever did.",
        figures.silent.total_seconds() if figures.begun else math.inf,
    )
    yield GaugeMetricFamily(
        "sandtrail_rules_failing",
        "Rules of organizations that could not look when they last tried.",
        figures.failing,
    )
    yield GaugeMetricFamily(
        "sandtrail_rules_behind", "Rules of organizations that do not keep up.", figures.behind
    )
    yield GaugeMetricFamily(
        "sandtrail_rules_behind_entries",
        "Writes that the rule that is farthest back in its organization has not looked at.",
        figures.behind_entries,
    )


def _wait(name: str, documentation: str, waits: Waits) -> Metric:
    waited = waits.so_far
    return SummaryMetricFamily(name, documentation, waited.count, waited.total_s)


def _source_metrics(
    opened: Installation, sources: Iterable[tuple[Source, Progress]]
) -> Iterator[Metric]:
    now = opened.clock()
    standings: Counter[tuple[str, Standing]] = Counter()
    records: Counter[tuple[str, str]] = Counter()
    lags_s = {ORGANIZATION: 0.0, DEPLOYMENT: 0.0}
    for source, progress in sources:
        kind = DEPLOYMENT if source.remote_organization_id is None else ORGANIZATION
        standings[kind, standing_of(source, progress, now)] += 1
        for outcome in OUTCOMES:
            records[kind, outcome] += getattr(progress, outcome)
        if not source.paused:
            lag_s = (now - answered_at(source, progress)).total_seconds()
            lags_s[kind] = max(lags_s[kind], lag_s)
    counted = GaugeMetricFamily(
        "sandtrail_sources",
        "Sources by kind and how they stand; tried_again and stopped have an error.",
        labels=["kind", "standing"],
    )
    lag = GaugeMetricFamily(
        "sandtrail_source_lag_seconds",
        "Seconds since a source last answered, of the one that has been silent longest; 0 without "
        "any. Paused ones are left out.",
        labels=["kind"],
    )
    pulled = CounterMetricFamily(
        "sandtrail_source_records",
        "Records that were pulled, by outcome; late ones are among the accepted. A source that is "
        "removed takes its count away.",
        labels=["kind", "outcome"],
    )
    for kind, lag_s in lags_s.items():
        lag.add_metric([kind], lag_s)
        for standing in Standing:
            counted.add_metric([kind, standing.value], standings[kind, standing])
        for outcome in OUTCOMES:
            pulled.add_metric([kind, outcome], records[kind, outcome])
    yield from (counted, lag, pulled)
