"""What all sessions of this process share: every `st.cache_*` is in this file.

Nothing here is needed by anybody else: what is cached can be cleared and read anew. What must
live stands in `opened.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.explore.answer_cache import AnswerCache
from audit_core.explore.counts import Count, CountReader
from audit_core.explore.facets import Facet
from audit_core.explore.message_patterns import Patterns
from audit_core.explore.reader import Reader
from audit_core.explore.related import Relation
from audit_core.explore.results import OutcomeHistogram, Page, RelatedEntries, Row, Shares, Summary
from audit_core.explore.stacked_histogram import StackedHistogram
from audit_core.installation.opened import Product
from audit_core.log.store import AuditLog
from audit_core.people.actors import ActorLine, ActorPage, ActorReader
from audit_core.people.actors_sql import ActorList
from audit_core.people.person import News, PersonReader, SessionPage, UsedKey
from audit_core.people.timeline import Timeline, TimelineReader
from audit_core.people.timeline_sql import LaneKind
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import UTC_NAME, Bounds, Window, is_zone
from audit_core.starts.attempt import StartAttempt, StartPage
from audit_core.starts.attempts_sql import SilentRule, StartOutcome
from audit_core.starts.failure_groups_sql import FailureGroups, GroupKey
from audit_core.starts.reader import Counts, StartsReader, silent_rule
from audit_core.starts.retries_sql import RetryChain
from audit_core.starts.suspects_sql import Suspects
from audit_core.starts.trace import Trace
from audit_core.starts.trace_reader import TargetPage, TracesReader
from audit_core.starts.traces_sql import TargetPlace
from audit_core.state.organization_settings import read_setting
from pages.parts.shell import opened

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")

MOST_COUNTED = 10_000
"""How far a page counts unasked."""

MOST_OPTIONS = 500
"""How many values a field of the filter bar offers; others can be typed."""


def utc_now() -> datetime:
    """The clock of the app."""
    return opened.utc_now()


def product() -> Product:
    """The one opened product of this process; see `opened.product`."""
    return opened.product()


# Explore. The caches are shared by all sessions: scope and head are ordinary arguments, so
# they are part of every key.


def reader() -> Reader:
    """The reads of the log."""
    return _reader_of(product().log)


@lru_cache(maxsize=1)
def _reader_of(log: AuditLog) -> Reader:
    return Reader(log)


@lru_cache(maxsize=1)
def _answers_of(log: AuditLog) -> AnswerCache:
    return AnswerCache()


def _answered(read: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
    """Keeps answers by all arguments. Not by `st.cache_data`, which remembers each question that
    was ever asked: with the head among them they are new every second."""

    @wraps(read)
    def answer(*args: _Asked.args, **kwargs: _Asked.kwargs) -> _Answer:
        question = (read.__name__, args, tuple(sorted(kwargs.items())))
        return _answers_of(product().log).get(question, lambda: read(*args, **kwargs))

    return answer


def _count_reader() -> CountReader:
    return CountReader(reader())


@_answered
def page(query: Query, cursor: Cursor | None, rows: int, head: int) -> Page:
    """See `Reader.page`."""
    return reader().page(query, cursor, rows)


@_answered
def outcomes_over_time(query: Query, as_of: datetime, head: int) -> OutcomeHistogram:
    """See `Reader.outcomes_over_time`."""
    return reader().outcomes_over_time(query, as_of)


@_answered
def stacked_over_time(by: str, query: Query, as_of: datetime, head: int) -> StackedHistogram:
    """See `CountReader.stacked_over_time`."""
    return _count_reader().stacked_over_time(by, query, as_of)


@_answered
def count(query: Query, head: int, after_seq: int = 0) -> Count:
    """How many entries match that arrived after a seq, `MOST_COUNTED` at most; see
    `CountReader.count_up_to`."""
    return _count_reader().count_up_to(MOST_COUNTED, query, after_seq)


@_answered
def exact_count(query: Query, head: int) -> Count:
    """See `CountReader.count`."""
    return _count_reader().count(query)


@_answered
def facets(query: Query, limit: int, head: int) -> tuple[Facet, ...]:
    """See `Reader.facets`."""
    return reader().facets(query, limit)


@st.cache_data(max_entries=64, ttl="1m", show_spinner=False)
def values(param: str, scope: Scope) -> tuple[str, ...]:
    """The most frequent values of a field in all that the scope holds."""
    everything = EntryFilter(window=Window(preset="all"))
    query = Query(everything, scope, Bounds(since=None, until=None))
    return reader().values(param, query, MOST_OPTIONS)


def entry(entry_id: str, scope: Scope, created_at: datetime | None) -> AuditEntry | None:
    """The entry with this id as it is now; see `Reader.entry`."""
    return reader().entry(entry_id, scope, created_at)


def row(entry_id: str, scope: Scope, created_at: datetime | None) -> Row | None:
    """The entry with this id as it is now, and its place; see `Reader.row`."""
    return reader().row(entry_id, scope, created_at)


@_answered
def related(here: Row, relation: Relation, scope: Scope, limit: int, head: int) -> RelatedEntries:
    """See `Reader.related`."""
    return reader().related(here, relation, scope, limit)


@_answered
def patterns(query: Query, as_of: datetime, limit: int, head: int) -> Patterns:
    """See `Reader.patterns`."""
    return reader().patterns(query, as_of, limit)


# Overview.


@_answered
def summary(query: Query, head: int) -> Summary:
    """See `Reader.summary`."""
    return reader().summary(query)


@_answered
def actions(query: Query, limit: int, head: int) -> Shares:
    """See `Reader.actions`."""
    return reader().actions(query, limit)


@_answered
def actors(query: Query, limit: int, head: int) -> Shares:
    """See `Reader.actors`."""
    return reader().actors(query, limit)


@_answered
def errors(query: Query, limit: int, head: int) -> tuple[tuple[tuple[str, int, int], ...], bool]:
    """See `Reader.errors`."""
    return reader().errors(query, limit)


@_answered
def hours_of_week(query: Query, as_of: datetime, head: int) -> tuple[tuple[int, int, int], ...]:
    """See `Reader.hours_of_week`."""
    return reader().hours_of_week(query, as_of)


# People. What is about one actor is asked with the scope of that actor.


@_answered
def own_actor_ids(email: str, scope: Scope, head: int) -> frozenset[str]:
    """See `ActorReader.own_actor_ids`."""
    return ActorReader(reader()).own_actor_ids(email, scope)


@_answered
def actor_list(
    query: Query,
    as_of: datetime,
    listing: ActorList,
    rows: int,
    head: int,
) -> ActorPage:
    """See `ActorReader.actors`."""
    return ActorReader(reader()).actors(query, as_of, listing, rows)


@_answered
def actor(query: Query, head: int) -> ActorLine | None:
    """See `ActorReader.actor`."""
    return ActorReader(reader()).actor(query)


@_answered
def timeline(
    query: Query,
    as_of: datetime,
    kind: LaneKind,
    most_lanes: int,
    head: int,
) -> Timeline:
    """See `TimelineReader.timeline`."""
    return TimelineReader(reader()).timeline(query, as_of, kind, most_lanes)


@_answered
def work_sessions(query: Query, offset: int, rows: int, head: int) -> SessionPage:
    """See `PersonReader.sessions`."""
    return PersonReader(reader()).sessions(query, offset, rows)


@_answered
def news(query: Query, limit: int, head: int) -> News | None:
    """See `PersonReader.news`."""
    return PersonReader(reader()).news(query, limit)


@_answered
def used_keys(
    scope: Scope, bounds: Bounds, limit: int, head: int
) -> tuple[tuple[UsedKey, ...], bool]:
    """See `PersonReader.used_keys`."""
    return PersonReader(reader()).used_keys(scope, bounds, limit)


# Sandboxes.


def _rule() -> SilentRule:
    return silent_rule(product().settings)


def starts_reader() -> StartsReader:
    """The reads of attempts to start."""
    return StartsReader(product().log, _rule())


def traces_reader() -> TracesReader:
    """The reads about single targets."""
    return TracesReader(product().log, _rule())


@_answered
def start_page(
    query: Query,
    outcomes: tuple[StartOutcome, ...],
    cursor: Cursor | None,
    rows: int,
    head: int,
) -> StartPage:
    """See `StartsReader.page`."""
    return starts_reader().page(query, outcomes=outcomes, cursor=cursor, rows=rows)


@_answered
def start_counts(query: Query, spans: Spans, head: int) -> Counts:
    """See `StartsReader.counts`."""
    return starts_reader().counts(query, spans)


@_answered
def failure_groups(query: Query, spans: Spans, limit: int, head: int) -> FailureGroups:
    """See `StartsReader.groups`."""
    return starts_reader().groups(query, spans, limit)


@_answered
def failures_first_seen(scope: Scope, before: datetime, head: int) -> dict[str, datetime]:
    """See `StartsReader.first_seen`."""
    return starts_reader().first_seen(scope, before)


@_answered
def group_members(
    query: Query, key: GroupKey, rows: int, head: int
) -> tuple[tuple[StartAttempt, ...], bool]:
    """See `StartsReader.group_members`."""
    return starts_reader().group_members(query, key, rows)


@_answered
def suspects(query: Query, key: GroupKey, head: int) -> Suspects:
    """See `StartsReader.suspects`."""
    return starts_reader().suspects(query, key)


@_answered
def retries(query: Query, limit: int, head: int) -> tuple[tuple[RetryChain, ...], bool]:
    """See `StartsReader.retries`."""
    return starts_reader().retries(query, limit)


@_answered
def targets(
    query: Query,
    target_type: str,
    searched: str,
    after: TargetPlace | None,
    rows: int,
    head: int,
) -> TargetPage:
    """See `TracesReader.targets`."""
    return traces_reader().targets(
        query,
        target_type=target_type,
        searched=searched,
        after=after,
        rows=rows,
    )


@_answered
def trace(key: str, scope: Scope, near: datetime | None, rows: int, head: int) -> Trace | None:
    """See `TracesReader.trace`."""
    return traces_reader().trace(key, scope, near=near, rows=rows)


# The state.


@st.cache_data(max_entries=256, ttl="1m", show_spinner=False)
def organization_zone(scope: Scope) -> str:
    """The zone that an organization's admins have set; UTC until they have."""
    with product().state.read() as connection:
        kept = read_setting(connection, organization_id=scope.organization_id or "", name="zone")
    return kept if kept is not None and is_zone(kept) else UTC_NAME
