"""What Overview and the facets of Explore ask, by one filter each."""

from __future__ import annotations

from collections.abc import Callable

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.buckets import Buckets, buckets_for
from benchmarks.prepared import UNTIL
from benchmarks.question import FACETS_MS, OTHER_MS, Facts, Question
from benchmarks.tongues import ACTOR, COLUMNS, FACETS, FAILED, Tongue, by_hand, instant


def charts(
    facts: Facts, label: str, entry_filter: EntryFilter, condition: Callable[[Tongue], str]
) -> list[Question]:
    scope = Scope(organization_id=facts.organization_id)
    time_range = entry_filter.window.time_range(UNTIL)
    buckets = buckets_for(time_range.since or facts.earliest, UNTIL, entry_filter.window.zone)

    def write(select: str, rest: str = "", also: str = "") -> dict[str, str]:
        def written(tongue: Tongue) -> str:
            return (
                f"SELECT {select.format(number=number(tongue, buckets))} "
                f"FROM {tongue.entries(COLUMNS)} "
                f"WHERE organization_id = '{facts.organization_id}' AND {condition(tongue)} "
                f"{also} {rest}"
            )

        return by_hand(written)

    counts = f"count(*) AS count, count(*) FILTER (WHERE {FAILED}) AS failed"
    start = "action IN ('create', 'recover', 'start') AND target_type = 'sandbox'"

    def chart(
        name: str,
        ask: Callable[[Reader], object],
        written: dict[str, str],
        target_ms: float = OTHER_MS,
    ) -> Question:
        return Question(name=f"{name}, {label}", ask=ask, target_ms=target_ms, by_hand=written)

    every = ", ".join(name for group in FACETS for name in group)
    groups = ", ".join(f"({', '.join(group)})" for group in FACETS)
    query = Query(entry_filter, scope, time_range)
    return [
        chart(
            "outcomes over time",
            lambda reader: reader.outcomes_over_time(query, UNTIL),
            write("{number} AS number, status_code, count(*) AS count", "GROUP BY 1, 2"),
        ),
        chart(
            "summary",
            lambda reader: reader.summary(query),
            write(
                "count(*) AS entries, count(*) FILTER (WHERE status_code > 0) AS answered, "
                "count(*) FILTER (WHERE status_code BETWEEN 200 AND 299) AS succeeded, "
                f"count(*) FILTER (WHERE {FAILED}) AS failed, "
                f"count(*) FILTER (WHERE {start} AND {FAILED}) AS failed_starts, "
                "count(DISTINCT CASE WHEN actor_email <> '' THEN actor_email END) AS users"
            ),
        ),
        chart(
            "actions",
            lambda reader: reader.actions(query, 10),
            write(f"action, {counts}", "GROUP BY action ORDER BY count DESC, action LIMIT 11"),
        ),
        chart(
            "actors",
            lambda reader: reader.actors(query, 10),
            write(f"{ACTOR} AS actor, {counts}", "GROUP BY 1 ORDER BY count DESC, 1 LIMIT 11"),
        ),
        chart(
            "errors",
            lambda reader: reader.errors(query, 200),
            write(
                "action, status_code, count(*) AS count",
                "GROUP BY action, status_code ORDER BY count DESC, action, status_code LIMIT 201",
                f"AND {FAILED}",
            ),
        ),
        chart(
            "hours of the week",
            lambda reader: reader.hours_of_week(query, UNTIL),
            _hours(facts, condition, buckets.spans[0].offset_us, counts),
        ),
        chart(
            "all facets",
            lambda reader: reader.facets(query, 10),
            write(
                f"{every}, grouping({every}) AS bits, count(*) AS count",
                f"GROUP BY GROUPING SETS ({groups})",
            ),
            FACETS_MS,
        ),
    ]


def number(tongue: Tongue, buckets: Buckets) -> str:
    offset = "0"
    if len(buckets.spans) > 1:
        first, last = buckets.spans[0], buckets.spans[-1]
        assert first.until is not None  # noqa: S101
        offset = (
            f"CASE WHEN created_at < {instant(tongue, first.until)} "
            f"THEN {first.offset_us} ELSE {last.offset_us} END"
        )
    local = f"{tongue.micros} + {offset} + 259200000000"
    return tongue.quotient.format(number=local, by=buckets.width_us)


def _hours(
    facts: Facts, condition: Callable[[Tongue], str], offset_us: int, counts: str
) -> dict[str, str]:
    """With one offset only: cheaper than the question is."""

    def write(tongue: Tongue) -> str:
        number = tongue.quotient.format(
            number=f"{tongue.micros} + {offset_us} + 259200000000", by=3_600_000_000
        )
        return (
            f"SELECT {number} % 168 AS hour, {counts} "
            f"FROM {tongue.entries(COLUMNS)} "
            f"WHERE organization_id = '{facts.organization_id}' AND {condition(tongue)} "
            "GROUP BY 1 ORDER BY 1"
        )

    return by_hand(write)
