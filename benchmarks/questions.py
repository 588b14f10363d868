"""What the pages ask of the log, each beside SQL that a person would write for one engine.

The SQL is written as plainly as an expert would for that engine alone: with its own functions,
its own tables, and only the columns that the answer needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.access import Scope
from audit_core.entries import Outcome
from audit_core.log.schema import Statement
from audit_core.query import overview, statements
from audit_core.query.buckets import buckets_for
from audit_core.query.cursors import Cursor
from audit_core.query.filters import EntryFilter
from audit_core.query.windows import Bounds, Window
from benchmarks.prepared import UNTIL

PAGE = 25
MOST = 100_000
TEXT = "no space left"

WEEK, MONTHS, ALL = (Window(preset=preset, zone=zone) for preset, zone in (
    ("7d", "UTC"), ("90d", "Europe/Berlin"), ("all", "UTC"),
))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the questions are about, looked up in the log that is measured."""

    organization_id: str
    target_id: str
    """The target with the most entries."""
    actor: str
    """The e-mail address of the most active person."""
    earliest: datetime
    deep: Cursor
    """A place in the middle of the log."""
    last_seq: int
    entry_id: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One statement of a page, and the hand-written one."""

    name: str
    statement: Statement
    most: int
    """How many rows it may give."""
    by_hand: dict[str, str]
    """SQL by engine."""
    page: bool = True
    """Whether a page asks it; else a download or a command does."""


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """How one engine says it."""

    tables: tuple[str, ...]
    micros: str
    contains: str
    quotient: str
    instant: str

    def entries(self, columns: str) -> str:
        """What to select these columns from."""
        if len(self.tables) == 1:
            return self.tables[0]
        parts = (f"SELECT {columns} FROM {table}" for table in self.tables)
        return f"({' UNION ALL '.join(parts)}) AS entry"


TONGUES: dict[str, Tongue] = {
    "duckdb": Tongue(
        tables=("audit_entry", "unfinished_entry"),
        micros="epoch_us(created_at)",
        contains="contains(lower({column}), '{text}')",
        quotient="({number}) // {by}",
        instant="TIMESTAMP '{instant}'",
    ),
    "postgresql": Tongue(
        tables=("audit_entry", "unfinished_entry"),
        micros="(extract(epoch FROM created_at) * 1000000)::bigint",
        contains="strpos(lower({column}), '{text}') > 0",
        quotient="({number}) / {by}",
        instant="TIMESTAMP '{instant}'",
    ),
    "clickhouse": Tongue(
        tables=("audit_entry FINAL",),
        micros="toUnixTimestamp64Micro(created_at)",
        contains="position(lowerUTF8({column}), '{text}') > 0",
        quotient="intDiv({number}, {by})",
        instant="toDateTime64('{instant}', 6, 'UTC')",
    ),
}

WHOLE = (
    "seq, revision, id, actor_id, actor_email, actor_api_key_prefix, actor_api_key_suffix, "
    "organization_id, action, target_type, target_id, status_code, error_message, ip_address, "
    "user_agent, source, metadata, created_at, received_at"
)
FAILED = "status_code BETWEEN 400 AND 599"


def questions(facts: Facts) -> list[Question]:
    """All questions, in the order in which they are printed."""
    return [
        *_lists(facts),
        *(
            question
            for label, wanted, condition in (
                ("7 days", EntryFilter(window=WEEK), _since(timedelta(days=7))),
                ("90 days, Berlin", EntryFilter(window=MONTHS), _since(timedelta(days=90))),
                ("all, text", EntryFilter(window=ALL, text=TEXT), _text),
                (
                    "all, 5xx",
                    EntryFilter(window=ALL, outcomes=(Outcome.SERVER_ERROR,)),
                    lambda tongue: "status_code BETWEEN 500 AND 599",
                ),
            )
            for question in _charts(facts, label, wanted, condition)
        ),
    ]


def _since(length: timedelta) -> Callable[[Tongue], str]:
    return lambda tongue: f"created_at >= {_instant(tongue, UNTIL - length)}"


def _text(tongue: Tongue) -> str:
    columns = ("error_message", "target_id", "actor_email", "actor_id")
    parts = (tongue.contains.format(column=column, text=TEXT) for column in columns)
    return f"({' OR '.join(parts)})"


def _instant(tongue: Tongue, instant: datetime) -> str:
    return tongue.instant.format(instant=f"{instant:%Y-%m-%d %H:%M:%S.%f}")


def _by_hand(write: Callable[[Tongue], str]) -> dict[str, str]:
    return {engine: write(tongue) for engine, tongue in TONGUES.items()}


def _lists(facts: Facts) -> list[Question]:
    scope = Scope(organization_id=facts.organization_id)
    own = f"organization_id = '{facts.organization_id}'"

    def listed(name: str, wanted: EntryFilter, condition: Callable[[Tongue], str], *,
               cursor: Cursor | None = None) -> Question:  # fmt: skip
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

        bounds = wanted.window.bounds(UNTIL)
        return Question(
            name=name,
            statement=statements.page(wanted, scope, bounds, cursor=cursor, rows=PAGE),
            most=PAGE,
            by_hand=_by_hand(write),
        )

    everything = EntryFilter(window=ALL)
    return [
        listed("newest page, 7 days", EntryFilter(window=WEEK), _since(timedelta(days=7))),
        listed("newest page, all", everything, lambda tongue: "1 = 1"),
        listed(
            "page deep in the log",
            everything,
            lambda tongue: (
                f"(created_at, seq) < ({_instant(tongue, facts.deep.created_at)}, {facts.deep.seq})"
            ),
            cursor=facts.deep,
        ),
        listed(
            "one target's history",
            EntryFilter(window=ALL, targets=(facts.target_id,)),
            lambda tongue: f"target_id = '{facts.target_id}'",
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
        listed("page of a text, all", EntryFilter(window=ALL, text=TEXT), _text),
        Question(
            name="one entry by id",
            statement=statements.entry_with_id(facts.entry_id, scope),
            most=1,
            by_hand=_by_hand(
                lambda tongue: (
                    f"SELECT {WHOLE} FROM {tongue.entries(WHOLE)} "
                    f"WHERE {own} AND id = '{facts.entry_id}'"
                )
            ),
        ),
        Question(
            name="what is new",
            statement=statements.arrived_since(
                EntryFilter(window=WEEK), scope, WEEK.bounds(UNTIL), after_seq=facts.last_seq
            ),
            most=1,
            by_hand=_by_hand(
                lambda tongue: (
                    "SELECT count(*) AS count FROM "
                    f"{tongue.entries('organization_id, created_at, seq')} "
                    f"WHERE {own} AND {_since(timedelta(days=7))(tongue)} "
                    f"AND seq > {facts.last_seq}"
                )
            ),
        ),
        Question(
            name="a download's hours",
            statement=statements.export_hours(
                everything, scope, ALL.bounds(UNTIL), last_seq=facts.last_seq
            ),
            most=MOST,
            page=False,
            by_hand=_by_hand(
                lambda tongue: (
                    f"SELECT {tongue.quotient.format(number=tongue.micros, by=3_600_000_000)}, "
                    "count(*) AS count FROM "
                    f"{tongue.entries('organization_id, created_at, seq')} WHERE {own} "
                    f"AND seq <= {facts.last_seq} GROUP BY 1 ORDER BY 1"
                )
            ),
        ),
        Question(
            name="a day of a download, at most 50,000",
            statement=statements.export_page(
                everything, scope, _last_day, after=None, last_seq=facts.last_seq
            ),
            most=50_000,
            page=False,
            by_hand=_by_hand(
                lambda tongue: (
                    f"SELECT {WHOLE} FROM {tongue.entries(WHOLE)} WHERE {own} "
                    f"AND {_since(timedelta(days=1))(tongue)} AND seq <= {facts.last_seq} "
                    "ORDER BY created_at, seq LIMIT 50001"
                )
            ),
        ),
    ]


_last_day = Bounds(since=UNTIL - timedelta(days=1), until=None)


def _charts(
    facts: Facts, label: str, wanted: EntryFilter, condition: Callable[[Tongue], str]
) -> list[Question]:
    scope = Scope(organization_id=facts.organization_id)
    bounds = wanted.window.bounds(UNTIL)
    buckets = buckets_for(bounds.since or facts.earliest, UNTIL, wanted.window.zone)
    columns = "organization_id, created_at, action, target_type, target_id, status_code"
    columns += ", actor_id, actor_email, error_message"

    def write(select: str, rest: str = "", also: str = "") -> dict[str, str]:
        def written(tongue: Tongue) -> str:
            return (
                f"SELECT {select.format(number=_number(tongue))} "
                f"FROM {tongue.entries(columns)} "
                f"WHERE organization_id = '{facts.organization_id}' AND {condition(tongue)} "
                f"{also} {rest}"
            )

        return _by_hand(written)

    def _number(tongue: Tongue) -> str:
        offset = "0"
        if len(buckets.spans) > 1:
            first, last = buckets.spans[0], buckets.spans[-1]
            assert first.until is not None  # noqa: S101
            offset = (
                f"CASE WHEN created_at < {_instant(tongue, first.until)} "
                f"THEN {first.offset_us} ELSE {last.offset_us} END"
            )
        local = f"{tongue.micros} + {offset} + 259200000000"
        return tongue.quotient.format(number=local, by=buckets.width_us)

    counts = f"count(*) AS count, count(*) FILTER (WHERE {FAILED}) AS failed"
    actor = "CASE WHEN actor_email <> '' THEN actor_email ELSE actor_id END"
    start = "action IN ('create', 'recover', 'start') AND target_type = 'sandbox'"

    def chart(name: str, statement: Statement, most: int, by_hand: dict[str, str]) -> Question:
        return Question(name=f"{name}, {label}", statement=statement, most=most, by_hand=by_hand)

    asked = (wanted, scope, bounds)
    return [
        chart(
            "outcomes over time",
            statements.histogram(*asked, buckets),
            MOST,
            write("{number} AS number, status_code, count(*) AS count", "GROUP BY 1, 2"),
        ),
        chart(
            "summary",
            overview.summary(*asked),
            1,
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
            overview.actions(*asked),
            10,
            write(f"action, {counts}", "GROUP BY action ORDER BY count DESC, action LIMIT 11"),
        ),
        chart(
            "actors",
            overview.actors(*asked),
            10,
            write(f"{actor} AS actor, {counts}", "GROUP BY 1 ORDER BY count DESC, 1 LIMIT 11"),
        ),
        chart(
            "errors",
            overview.errors(*asked),
            200,
            write(
                "action, status_code, count(*) AS count",
                "GROUP BY action, status_code ORDER BY count DESC, action, status_code LIMIT 201",
                f"AND {FAILED}",
            ),
        ),
        chart(
            "hours of the week",
            overview.hours_of_week(*asked, buckets),
            168,
            _hours(facts, columns, condition, buckets.spans[0].offset_us, counts),
        ),
    ]


def _hours(
    facts: Facts, columns: str, condition: Callable[[Tongue], str], offset_us: int, counts: str
) -> dict[str, str]:
    """With one offset only: cheaper than the question is."""

    def write(tongue: Tongue) -> str:
        number = tongue.quotient.format(
            number=f"{tongue.micros} + {offset_us} + 259200000000", by=3_600_000_000
        )
        return (
            f"SELECT {number} % 168 AS hour, {counts} "
            f"FROM {tongue.entries(columns)} "
            f"WHERE organization_id = '{facts.organization_id}' AND {condition(tongue)} "
            "GROUP BY 1 ORDER BY 1"
        )

    return _by_hand(write)
