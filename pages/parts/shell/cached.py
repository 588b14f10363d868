"""What all sessions of this process share: every `st.cache_*` is in this file.

Nothing here is needed by anybody else: what is cached can be cleared and read anew. What must
live stands in `opened.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import ParamSpec, TypeVar

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.evidence.coverage.reader import CoverageReader
from audit_core.explore.answer_cache import AnswerCache
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.explore.results import Row
from audit_core.installation.opened import Installation
from audit_core.log.store import AuditLog
from audit_core.people.actors import ActorReader
from audit_core.people.person import PersonReader
from audit_core.people.timeline import TimelineReader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME, TimeRange, Window
from audit_core.runtime.zones import is_zone
from audit_core.starts.reader import StartsReader, silent_rule
from audit_core.starts.traces.trace_reader import TracesReader
from audit_core.state.organization_settings import read_setting
from audit_core.unusual.reader import UnusualReader
from pages.parts.shell import opened

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")

MAX_OPTIONS = 500
"""How many values a field of the filter bar offers; others can be typed."""


def utc_now() -> datetime:
    """The clock of the app."""
    return opened.utc_now()


def installation() -> Installation:
    """The one opened installation of this process; see `opened.installation`."""
    return opened.installation()


def reader() -> Reader:
    """The reads of the log."""
    return _reader_of(installation().log)


@lru_cache(maxsize=1)
def _reader_of(log: AuditLog) -> Reader:
    return Reader(log)


@lru_cache(maxsize=1)
def _answers_of(log: AuditLog) -> AnswerCache:
    return AnswerCache()


def answer(
    head: int, read: Callable[_Asked, _Answer], *args: _Asked.args, **kwargs: _Asked.kwargs
) -> _Answer:
    """What a method of a reader returns for the arguments, kept while the log's head is `head` and
    nobody is erased from it.

    Shared by all sessions, so that one of the arguments must be the query or the scope that it is
    asked in. Not by `st.cache_data`, which remembers each question that was ever asked: with the
    head among them they are new every second.
    """
    if not any(isinstance(item, Query | Scope) for item in (*args, *kwargs.values())):
        raise TypeError(f"{read.__qualname__} is asked without a scope")
    log = installation().log
    version = (head, log.erasing.count)
    question = (read.__qualname__, version, args, tuple(sorted(kwargs.items())))
    return _answers_of(log).get(question, lambda: read(*args, **kwargs))


def count_reader() -> CountReader:
    """The reads that count."""
    return CountReader(reader())


def actor_reader() -> ActorReader:
    """The reads of the list of actors."""
    return ActorReader(reader())


def timeline_reader() -> TimelineReader:
    """The read of what one actor did over time."""
    return TimelineReader(reader())


def person_reader() -> PersonReader:
    """The reads about one actor, asked in the scope of that actor."""
    return PersonReader(reader())


def coverage_reader() -> CoverageReader:
    """The read of what the log covers."""
    return CoverageReader(reader())


def unusual_reader() -> UnusualReader:
    """The reads of what is unusual."""
    return UnusualReader(reader())


def witnessed_head(scope: Scope) -> int:
    """A number that rises with each entry and each state change of the scope's organization: the
    head for answers that are made of both."""
    log = installation().log
    return log.head(scope.organization_id) + log.state_changes.head(scope.organization_id)


def starts_reader() -> StartsReader:
    """The reads of attempts to start."""
    return StartsReader(installation().log, silent_rule(installation().settings))


def traces_reader() -> TracesReader:
    """The reads about single targets."""
    return TracesReader(installation().log, silent_rule(installation().settings))


def values(param: str, scope: Scope) -> tuple[str, ...]:
    """The most frequent values of a field in all that the scope holds."""
    return _values(param, scope, installation().log.erasing.count)


@st.cache_data(max_entries=64, ttl="1m", show_spinner=False)
def _values(param: str, scope: Scope, erased: int) -> tuple[str, ...]:
    everything = EntryFilter(window=Window(preset="all"))
    query = Query(everything, scope, TimeRange(since=None, until=None))
    return reader().values(param, query, MAX_OPTIONS)


def entry(entry_id: str, scope: Scope, created_at: datetime | None) -> AuditEntry | None:
    """The entry with this id as it is now; see `Reader.entry`."""
    return reader().entry(entry_id, scope, created_at)


def row(entry_id: str, scope: Scope, created_at: datetime | None) -> Row | None:
    """The entry with this id as it is now, and its place; see `Reader.row`."""
    return reader().row(entry_id, scope, created_at)


# The state.


@st.cache_data(max_entries=256, ttl="1m", show_spinner=False)
def organization_zone(scope: Scope) -> str:
    """The zone that an organization's admins have set; UTC until they have."""
    with installation().state.read() as connection:
        kept = read_setting(connection, organization_id=scope.organization_id or "", name="zone")
    return kept if kept is not None and is_zone(kept) else UTC_NAME
