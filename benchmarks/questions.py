"""What the pages ask of the log, each beside SQL that a person would write for one engine.

The SQL is written as plainly as an expert would for that engine alone: with its own functions,
on the entries themselves, and only the columns that the answer needs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from audit_core.domain.access import Scope
from audit_core.domain.entries import Outcome
from audit_core.explore.counts import CountReader
from audit_core.explore.export import export_sql
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from benchmarks.charts import charts
from benchmarks.people import people
from benchmarks.prepared import UNTIL
from benchmarks.question import (
    ALL,
    HISTORY_MS,
    MONTHS,
    MOST,
    OTHER_MS,
    PAGE,
    PAGE_MS,
    TEXT,
    WEEK,
    Facts,
    Question,
)
from benchmarks.tongues import ACTOR, COLUMNS, FAILED, WHOLE, Tongue, by_hand, instant, since, text

LAST_DAY = TimeRange(since=UNTIL - timedelta(days=1), until=None)


def questions(facts: Facts) -> list[Question]:
    """All questions, in the order in which they are printed."""
    return [
        *_lists(facts),
        *people(facts),
        *(
            question
            for label, entry_filter, condition in (
                ("7 days", EntryFilter(window=WEEK), since(timedelta(days=7))),
                ("90 days, Berlin", EntryFilter(window=MONTHS), since(timedelta(days=90))),
                ("all, text", EntryFilter(window=ALL, text=TEXT), text),
                (
                    "all, 5xx",
                    EntryFilter(window=ALL, outcomes=(Outcome.SERVER_ERROR,)),
                    lambda tongue: "status_code BETWEEN 500 AND 599",
                ),
            )
            for question in charts(facts, label, entry_filter, condition)
        ),
    ]


def _lists(facts: Facts) -> list[Question]:
    scope = Scope(organization_id=facts.organization_id)
    own = f"organization_id = '{facts.organization_id}'"

    def listed(name: str, entry_filter: EntryFilter, condition: Callable[[Tongue], str], *,
               cursor: Cursor | None = None, target_ms: float = PAGE_MS) -> Question:  # fmt: skip
        def nearest(tongue: Tongue, table: str) -> str:
            return (
                f"SELECT {WHOLE} FROM {table} WHERE {own} AND {condition(tongue)} "
                "ORDER BY created_at DESC, seq DESC LIMIT 26"
            )

        def write(tongue: Tongue) -> str:
            if len(tongue.tables) == 1:
                return nearest(tongue, tongue.tables[0])
            parts = " UNION ALL ".join(f"({nearest(tongue, table)})" for table in tongue.tables)
            return f"SELECT * FROM ({parts}) AS p ORDER BY created_at DESC, seq DESC LIMIT 26"

        time_range = entry_filter.window.time_range(UNTIL)
        return Question(
            name=name,
            ask=lambda reader: reader.page(Query(entry_filter, scope, time_range), cursor, PAGE),
            target_ms=target_ms,
            by_hand=by_hand(write),
        )

    everything = EntryFilter(window=ALL)
    on_sandbox = EntryFilter(window=ALL, targets=(facts.sandbox_id,))
    return [
        listed("newest page, 7 days", EntryFilter(window=WEEK), since(timedelta(days=7))),
        listed("newest page, all", everything, lambda tongue: "1 = 1"),
        listed(
            "page deep in the log",
            everything,
            lambda tongue: (
                f"(created_at, seq) < ({instant(tongue, facts.deep.created_at)}, {facts.deep.seq})"
            ),
            cursor=facts.deep,
        ),
        listed(
            "a sandbox's history",
            on_sandbox,
            lambda tongue: f"target_id = '{facts.sandbox_id}'",
            target_ms=HISTORY_MS,
        ),
        listed(
            "the commonest target's history",
            EntryFilter(window=ALL, targets=(facts.target_id,)),
            lambda tongue: f"target_id = '{facts.target_id}'",
            target_ms=HISTORY_MS,
        ),
        Question(
            name="a sandbox's outcomes over time",
            ask=lambda reader: reader.outcomes_over_time(
                Query(on_sandbox, scope, ALL.time_range(UNTIL)), UNTIL
            ),
            target_ms=HISTORY_MS,
            by_hand=by_hand(
                lambda tongue: (
                    f"SELECT {tongue.quotient.format(number=tongue.micros, by=3_600_000_000)}, "
                    "status_code, count(*) AS count FROM "
                    f"{tongue.entries('organization_id, created_at, status_code, target_id')} "
                    f"WHERE {own} AND target_id = '{facts.sandbox_id}' GROUP BY 1, 2"
                )
            ),
        ),
        listed(
            "one actor's failures",
            EntryFilter(
                window=ALL,
                actors=(facts.actor,),
                outcomes=(Outcome.CLIENT_ERROR, Outcome.SERVER_ERROR),
            ),
            lambda tongue: (
                f"(actor_email = '{facts.actor}' OR actor_id = '{facts.actor}') AND {FAILED}"
            ),
        ),
        listed("page of a text, all", EntryFilter(window=ALL, text=TEXT), text),
        *_entries(facts, scope, own),
        *_downloads(facts, scope, own),
    ]


def _entries(facts: Facts, scope: Scope, own: str) -> list[Question]:
    def one(also: Callable[[Tongue], str]) -> dict[str, str]:
        return by_hand(
            lambda tongue: (
                f"SELECT {WHOLE} FROM {tongue.entries(WHOLE)} "
                f"WHERE {own} AND id = '{facts.entry_id}'{also(tongue)}"
            )
        )

    return [
        Question(
            name="one entry by id",
            ask=lambda reader: reader.entry(facts.entry_id, scope),
            target_ms=OTHER_MS,
            by_hand=one(lambda tongue: ""),
        ),
        Question(
            name="one entry by id and time",
            ask=lambda reader: reader.entry(facts.entry_id, scope, facts.entry_at),
            target_ms=PAGE_MS,
            by_hand=one(lambda tongue: f" AND created_at = {instant(tongue, facts.entry_at)}"),
        ),
        Question(
            name="what is new",
            ask=lambda reader: CountReader(reader).count_up_to(
                10_000,
                Query(EntryFilter(window=WEEK), scope, WEEK.time_range(UNTIL)),
                facts.last_seq,
            ),
            target_ms=PAGE_MS,
            by_hand=by_hand(
                lambda tongue: (
                    "SELECT count(*) AS count FROM "
                    f"{tongue.entries('organization_id, created_at, seq')} "
                    f"WHERE {own} AND {since(timedelta(days=7))(tongue)} "
                    f"AND seq > {facts.last_seq}"
                )
            ),
        ),
        Question(
            name="head",
            ask=lambda reader: reader.log.head(facts.organization_id),
            target_ms=PAGE_MS,
            by_hand=by_hand(
                lambda tongue: (
                    f"SELECT max(revision) FROM {tongue.entries('organization_id, revision')} "
                    f"WHERE {own}"
                )
            ),
        ),
        *(
            Question(
                name=f"values of the filter {param}",
                ask=lambda reader, param=param: reader.values(  # type: ignore[misc]
                    param, Query(EntryFilter(window=ALL), scope, ALL.time_range(UNTIL)), 500
                ),
                target_ms=OTHER_MS,
                by_hand=by_hand(
                    lambda tongue, value=value: (  # type: ignore[misc]
                        f"SELECT {value} AS value, count(*) AS count FROM "
                        f"{tongue.entries(COLUMNS)} WHERE {own} AND {value} IS NOT NULL "
                        "GROUP BY 1 ORDER BY count DESC, 1 LIMIT 501"
                    )
                ),
            )
            for param, value in (
                ("actor", ACTOR),
                ("action", "action"),
                ("source", "source"),
                ("ip", "ip_address"),
                ("status", "status_code"),
            )
        ),
    ]


def _downloads(facts: Facts, scope: Scope, own: str) -> list[Question]:
    everything = EntryFilter(window=ALL)
    hours = export_sql.hours(Query(everything, scope, ALL.time_range(UNTIL)))
    day = export_sql.page(
        Query(everything, scope, LAST_DAY), head=facts.last_seq, after=None, ordered=True
    )
    return [
        Question(
            name="a download's hours",
            ask=lambda reader: reader.log.fetch(hours, scope, max_rows=MOST),
            target_ms=None,
            by_hand=by_hand(
                lambda tongue: (
                    f"SELECT {tongue.quotient.format(number=tongue.micros, by=3_600_000_000)}, "
                    "count(*) AS count FROM "
                    f"{tongue.entries('organization_id, created_at, status_code')} WHERE {own} "
                    "AND status_code <> 0 GROUP BY 1 ORDER BY 1"
                )
            ),
        ),
        Question(
            name="a day of a download, at most 50,000",
            ask=lambda reader: reader.log.fetch(day, scope, max_rows=50_000),
            target_ms=None,
            by_hand=by_hand(
                lambda tongue: (
                    f"SELECT {WHOLE} FROM {tongue.entries(WHOLE)} WHERE {own} "
                    f"AND {since(timedelta(days=1))(tongue)} AND seq <= {facts.last_seq} "
                    "ORDER BY created_at, seq LIMIT 50001"
                )
            ),
        ),
    ]
