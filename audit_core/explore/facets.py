"""Facets: how often each value of a field occurs among the matches, all fields in one scan.

The fields are counted in three groups, each of which gives few combinations: what was done and
how it ended; who did it; from which address. Values are added up from the combinations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, literal_column, select, tuple_

from audit_core.domain.addresses import address_key
from audit_core.domain.entries import category_of, outcome_of
from audit_core.domain.ip_addresses import address_text
from audit_core.log.schema import Statement
from audit_core.query.planner.plan import Plan
from audit_core.query.value_filter import NONE

MAX_COMBINATIONS = 20_000
"""How many combinations of one group are counted, the most frequent first."""

_GROUPS = (
    ("action", "target_type", "status_code", "source"),
    ("actor_email", "actor_id", "actor_api_key_prefix", "actor_api_key_suffix"),
    ("ip_address",),
)
_ALL = tuple(name for group in _GROUPS for name in group)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """One value, as the filter writes it: `NONE` for the absence of one."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The most frequent values of one field."""

    param: str
    """The URL parameter of the filter's field."""
    values: tuple[FacetValue, ...]
    """Most frequent first, then by value."""
    distinct: int
    """How many values there are; of those that were counted."""
    complete: bool
    """Whether all combinations were counted: else counts are lower bounds."""


@dataclass(frozen=True, slots=True)
class Combination:
    """Entries that are alike in the columns of one group; the others are `None`."""

    group_bits: int
    """The bit of a column is 0 where the row counts by it, the first column's the highest."""
    count: int
    action: str
    target_type: str | None
    status_code: int | None
    source: str | None
    actor_email: str
    actor_id: str
    actor_api_key_prefix: str | None
    actor_api_key_suffix: str | None
    ip_address: str | None


def facets(plan: Plan) -> Statement:
    """The combinations, as rows of `Combination`. At most
    `MAX_COMBINATIONS` rows of each group, and one more if there are more.
    """
    column = plan.source.table.c
    every = [column[name] for name in _ALL]
    groups = [tuple_(*(column[name] for name in group)) for group in _GROUPS]
    counted = (
        select(
            *every, func.grouping(*every).label("group_bits"), plan.source.count().label("count")
        )
        .where(plan.where)
        .group_by(func.grouping_sets(*groups))
        .subquery("counted")
    )
    rank = (
        func.row_number()
        .over(partition_by=counted.c.group_bits, order_by=counted.c["count"].desc())
        .label("rank")
    )
    ranked = select(counted, rank).subquery("ranked")
    return plan.source.options(
        select(*(column for column in ranked.c if column.name != "rank")).where(
            ranked.c.rank <= literal_column(str(MAX_COMBINATIONS + 1))
        )
    )


def _api_key(row: Combination) -> str:
    prefix, suffix = row.actor_api_key_prefix, row.actor_api_key_suffix
    return NONE if prefix is None and suffix is None else f"{prefix or ''}…{suffix or ''}"


def _plain(value: str | int | None) -> str:
    return NONE if value is None else str(value)


FACETS: tuple[tuple[str, int, Callable[[Combination], str]], ...] = (
    ("actor", 1, lambda row: row.actor_email or row.actor_id),
    ("key", 1, _api_key),
    ("action", 0, lambda row: _plain(row.action)),
    ("category", 0, lambda row: str(category_of(row.action, row.target_type))),
    ("target_type", 0, lambda row: _plain(row.target_type)),
    ("outcome", 0, lambda row: str(outcome_of(row.status_code))),
    ("status", 0, lambda row: _plain(row.status_code)),
    ("source", 0, lambda row: _plain(row.source)),
    ("ip", 2, lambda row: NONE if row.ip_address is None else address_text(row.ip_address)),
)
"""The facets in the order in which they are shown: parameter, group, value of a row."""


def add_up(rows: Iterable[Combination], *, limit: int) -> tuple[Facet, ...]:
    """The facets of the rows that `facets` gives, each with its `limit` frequent values."""
    groups: dict[int, list[Combination]] = {number: [] for number in range(len(_GROUPS))}
    for row in rows:
        groups[_group_of(int(row.group_bits))].append(row)
    complete = {number: len(found) <= MAX_COMBINATIONS for number, found in groups.items()}
    return tuple(
        _facet(param, groups[number], value, complete=complete[number], limit=limit)
        for param, number, value in FACETS
    )


def _facet(
    param: str,
    rows: Sequence[Combination],
    value: Callable[[Combination], str],
    *,
    complete: bool,
    limit: int,
) -> Facet:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[value(row)] += row.count
    if param == "actor":
        counts = _same_addresses(counts, {row.actor_email for row in rows})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Facet(
        param=param,
        values=tuple(FacetValue(value=name, count=count) for name, count in ranked[:limit]),
        distinct=len(ranked),
        complete=complete,
    )


def _same_addresses(counts: Counter[str], addresses: Collection[str]) -> Counter[str]:
    """The counts with those of one address added up: of several spellings the last one stays."""
    last: dict[str, str] = {}
    for address in sorted(filter(None, addresses)):
        last[address_key(address)] = address
    added: Counter[str] = Counter()
    for value, count in counts.items():
        added[last[address_key(value)] if value in addresses else value] += count
    return added


def _group_of(bits: int) -> int:
    place = len(_ALL)
    for number, group in enumerate(_GROUPS):
        place -= len(group)
        if not bits >> place & 1:
            return number
    raise ValueError(f"the bits {bits:b} belong to no group")
