"""Patterns: error messages that share a template. (filter, scope) → SELECT. Builds, never runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Subquery,
    cast,
    func,
    literal,
    select,
)

from audit_core.domain.access import Scope
from audit_core.domain.redaction import redact_text
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import epoch_microseconds
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans, span_number
from audit_core.query.visibility import shown_template
from audit_core.query.where import where_clause

SPANS = 20
"""Into how many parts of equal length the time is cut for the counts of a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePattern:
    """The messages of one template."""

    template: str
    """As the scope's viewer is shown it; the value of the query's field `pattern`."""
    example: str
    """One of the messages, redacted for a scope without secrets."""
    count: int
    """Entries with such a message."""
    share: float
    """Of all entries with a message, from 0 to 1."""
    first: datetime
    last: datetime
    over_time: tuple[int, ...]
    """Entries in each of `SPANS` equal parts of the time, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """The commonest patterns, most frequent first, then by template."""

    largest: tuple[MessagePattern, ...]
    truncated: bool
    """Whether there are more patterns than these."""
    messages: int
    """How many entries have a message."""


def patterns(
    query: Query,
    spans: Spans,
    *,
    limit: int,
) -> Statement:
    """The `limit` commonest patterns and one more, each with a row for each of the spans that hold
    it: `pattern`, `span` (from 0), `count`, `first`, `last`, `example`, `pattern_count`, and
    `messages` (of all patterns together); no order.
    """
    # A template costs much more than a group: messages are made few first.
    counted = (
        select(
            entries.c.error_message,
            span_number(epoch_microseconds(entries.c.created_at), spans).label("span"),
            func.count().label("count"),
            func.min(entries.c.created_at).label("first"),
            func.max(entries.c.created_at).label("last"),
        )
        .where(
            where_clause(entries, query),
            entries.c.error_message != literal(""),
        )
        .group_by("error_message", "span")
        .cte("counted")
    )
    distinct = select(counted.c.error_message).group_by(counted.c.error_message).subquery("message")
    templates = select(
        distinct.c.error_message,
        shown_template(distinct.c.error_message, query.scope).label("pattern"),
    ).subquery("template")
    by_span = (
        select(
            templates.c.pattern,
            counted.c.span,
            cast(func.sum(counted.c.count), BigInteger).label("count"),
            func.min(counted.c.first).label("first"),
            func.max(counted.c.last).label("last"),
            func.min(counted.c.error_message).label("example"),
        )
        .join(counted, counted.c.error_message == templates.c.error_message)
        .group_by(templates.c.pattern, counted.c.span)
        .subquery("spans")
    )
    return _largest(by_span, limit)


@dataclass(frozen=True, slots=True)
class SpanOfPattern:
    """What one span holds of one pattern; times have no zone."""

    pattern: str
    span: int
    """From 0."""
    count: int
    first: datetime
    last: datetime
    example: str
    pattern_count: int
    messages: int
    """Of all patterns together."""


def _largest(spans: Subquery, limit: int) -> Statement:
    totals = select(
        spans,
        cast(func.sum(spans.c.count).over(partition_by=spans.c.pattern), BigInteger).label(
            "pattern_count"
        ),
        cast(func.sum(spans.c.count).over(), BigInteger).label("messages"),
    ).subquery("totals")
    rank = func.dense_rank().over(order_by=(totals.c.pattern_count.desc(), totals.c.pattern))
    ranked = select(totals, rank.label("rank")).subquery("ranked")
    return select(*(column for column in ranked.c if column.name != "rank")).where(
        ranked.c.rank <= literal(limit + 1, BigInteger)
    )


def add_up(rows: Iterable[SpanOfPattern], scope: Scope, *, limit: int) -> Patterns:
    """The patterns of the statement's rows."""
    found: dict[str, list[SpanOfPattern]] = {}
    for row in rows:
        found.setdefault(row.pattern, []).append(row)
    ordered = sorted(found.items(), key=lambda item: (-item[1][0].pattern_count, item[0]))
    return Patterns(
        largest=tuple(_pattern(template, spans, scope) for template, spans in ordered[:limit]),
        truncated=len(ordered) > limit,
        messages=ordered[0][1][0].messages if ordered else 0,
    )


def _pattern(template: str, spans: list[SpanOfPattern], scope: Scope) -> MessagePattern:
    counts = {span.span: span.count for span in spans}
    example = min(span.example for span in spans)
    total = spans[0].pattern_count
    return MessagePattern(
        template=template,
        example=example if scope.secrets else redact_text(example),
        count=total,
        share=total / spans[0].messages,
        first=min(span.first for span in spans).replace(tzinfo=UTC),
        last=max(span.last for span in spans).replace(tzinfo=UTC),
        over_time=tuple(counts.get(number, 0) for number in range(SPANS)),
    )
