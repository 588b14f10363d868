"""What all sessions of this process share: every `st.cache_*` is in this file."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from audit_core.access import Scope
from audit_core.answers import Neighbours, OutcomeHistogram, Page, Row, Shares, Summary
from audit_core.entries import AuditEntry
from audit_core.log.store import AuditLog
from audit_core.product import Product, open_product
from audit_core.query.cursors import Cursor
from audit_core.query.facets import Facet
from audit_core.query.filters import EntryFilter
from audit_core.query.neighbours import Kinship
from audit_core.query.patterns import Patterns
from audit_core.query.windows import Bounds, Window
from audit_core.reader import Reader
from audit_core.settings import read_settings

MOST_OPTIONS = 500
"""How many values a field of the filter bar offers; others can be typed."""


def utc_now() -> datetime:
    """The clock of the app."""
    return datetime.now(UTC)


@st.cache_resource(show_spinner=False, on_release=Product.close)
def product() -> Product:
    """The one opened product of this process, for pages, routes and the middleware.

    Raises what `read_settings` and `open_product` raise; the next call then tries again.
    """
    return open_product(read_settings(), utc_now)


# Explore. The caches are shared by all sessions: scope and head are ordinary arguments, so
# they are part of every key.


def reader() -> Reader:
    """The reads of the log."""
    return _reader_of(product().log)


@st.cache_resource(max_entries=1, show_spinner=False, hash_funcs={AuditLog: id})
def _reader_of(log: AuditLog) -> Reader:
    """One for all: it remembers where matches lie."""
    return Reader(log)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def page(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, cursor: Cursor | None, rows: int, head: int
) -> Page:
    """See `Reader.page`."""
    return reader().page(wanted, scope, bounds, cursor, rows)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def outcomes_over_time(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, as_of: datetime, head: int
) -> OutcomeHistogram:
    """See `Reader.outcomes_over_time`."""
    return reader().outcomes_over_time(wanted, scope, bounds, as_of)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def arrived_since(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, after_seq: int, head: int
) -> int:
    """See `Reader.arrived_since`."""
    return reader().arrived_since(wanted, scope, bounds, after_seq)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def facets(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int, head: int
) -> tuple[Facet, ...]:
    """See `Reader.facets`."""
    return reader().facets(wanted, scope, bounds, most)


@st.cache_data(max_entries=64, ttl="1m", show_spinner=False)
def values(param: str, scope: Scope) -> tuple[str, ...]:
    """The most frequent values of a field in all that the scope holds."""
    everything = EntryFilter(window=Window(preset="all"))
    bounds = Bounds(since=None, until=None)
    return reader().values(param, everything, scope, bounds, MOST_OPTIONS)


def entry(entry_id: str, scope: Scope, created_at: datetime | None) -> AuditEntry | None:
    """The entry with this id as it is now; see `Reader.entry`."""
    return reader().entry(entry_id, scope, created_at)


def row(entry_id: str, scope: Scope, created_at: datetime | None) -> Row | None:
    """The entry with this id as it is now, and its place; see `Reader.row`."""
    return reader().row(entry_id, scope, created_at)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def neighbours(here: Row, kinship: Kinship, scope: Scope, most: int, head: int) -> Neighbours:
    """See `Reader.neighbours`."""
    return reader().neighbours(here, kinship, scope, most)


@st.cache_data(max_entries=64, ttl="10m", show_spinner=False)
def patterns(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, as_of: datetime, most: int, head: int
) -> Patterns:
    """See `Reader.patterns`."""
    return reader().patterns(wanted, scope, bounds, as_of, most)


# Overview.


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def summary(wanted: EntryFilter, scope: Scope, bounds: Bounds, head: int) -> Summary:
    """See `Reader.summary`."""
    return reader().summary(wanted, scope, bounds)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def actions(wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int, head: int) -> Shares:
    """See `Reader.actions`."""
    return reader().actions(wanted, scope, bounds, most)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def actors(wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int, head: int) -> Shares:
    """See `Reader.actors`."""
    return reader().actors(wanted, scope, bounds, most)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def errors(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int, head: int
) -> tuple[tuple[tuple[str, int, int], ...], bool]:
    """See `Reader.errors`."""
    return reader().errors(wanted, scope, bounds, most)


@st.cache_data(max_entries=256, ttl="10m", show_spinner=False)
def hours_of_week(
    wanted: EntryFilter, scope: Scope, bounds: Bounds, as_of: datetime, head: int
) -> tuple[tuple[int, int, int], ...]:
    """See `Reader.hours_of_week`."""
    return reader().hours_of_week(wanted, scope, bounds, as_of)
