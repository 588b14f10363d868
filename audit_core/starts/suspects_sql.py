"""Suspects: what the failures of a group have in common that successful attempts have not.

(filter, scope) → SELECT, and pure arithmetic on its few rows. Builds, never runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)

from audit_core.domain.access import Scope
from audit_core.domain.entries import CREATE, SANDBOX
from audit_core.domain.redaction import redact_text
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import ONCE, floor_div, json_text
from audit_core.query.planner.sandbox_creations import FROM_ENTRIES, Creations
from audit_core.query.query import Query
from audit_core.query.time.buckets import HOUR_US
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import within, within_scope
from audit_core.starts.attempts_sql import SilentRule, StartOutcome, attempts
from audit_core.starts.failure_groups_sql import GroupKey, described, in_group
from audit_core.starts.sandboxes_sql import (
    NAMED_BEFORE,
    answered_well,
    extended,
    flag,
)

MAX_VALUES = 500
"""How many values of one trait are compared, those with most failures first."""

FEWEST_FAILURES = 5
"""With fewer failures than this a value means nothing, whatever its share."""

CHANCE = 0.01
"""How likely chance alone may be, all values taken together, for a value to mean something."""

_FROM_BODY = ("snapshot", "target", "cpu", "memory", "disk", "gpu")

_OF_ENTRY = ("source", "user_agent", "actor_api_key_prefix", "actor_api_key_suffix", "who")

TRAITS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("snapshot", "Snapshot", ("snapshot",)),
    ("region", "Region", ("target",)),
    ("size", "Size", ("cpu", "memory", "disk", "gpu")),
    ("client", "Client", ("source",)),
    ("version", "Client version", ("user_agent",)),
    ("key", "API key", ("actor_api_key_prefix", "actor_api_key_suffix")),
    ("person", "Person", ("who",)),
    ("hour", "Hour of the day (UTC)", ("hour",)),
)
"""What is compared: the name of the trait, its label, and the columns that it is made of."""

_COLUMNS = tuple(column for _, _, columns in TRAITS for column in columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One value of one trait."""

    trait: str
    """A name of `TRAITS`."""
    value: str
    """Log text, redacted for a scope without secrets; empty where the trait is absent."""
    failed: int
    """Failures of the group with this value; 1 or more."""
    started: int
    """Successful attempts of the same action with this value."""
    lift: float | None
    """How many times as common it is among the failures as among the successful ones; `None`
    where none of those has it."""
    chance: float
    """How likely so many failures or more would be with this value if it had nothing to do with
    them, from 0 to 1; see `chance_of`."""
    telling: bool
    """Whether the counts are large enough to mean something: `FEWEST_FAILURES` or more, more
    common among failures, and chance below `CHANCE` though so many values were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """All values, the least likely to be chance first."""

    values: tuple[Suspect, ...]
    failed: int
    """Failures of the group."""
    started: int
    """Successful attempts of the same action in the same window."""

    @property
    def telling(self) -> tuple[Suspect, ...]:
        """Those that mean something."""
        return tuple(item for item in self.values if item.telling)


def suspects(
    query: Query,
    rule: SilentRule,
    key: GroupKey,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """How often each value occurs: the columns of all traits, `trait_bits`, `failed`, `started`.

    In `trait_bits` the bit of a column is 0 where the row counts by it. At most `MAX_VALUES` of
    each trait, those with most failures first.
    """
    fact = _facts(attempts(query, rule, creations), query.scope, query.time_range, key)
    columns = [fact.c[name] for name in _COLUMNS]
    sets = (tuple_(*(fact.c[name] for name in names)) for _, _, names in TRAITS)
    counted = (
        select(
            *columns,
            func.grouping(*columns).label("trait_bits"),
            func.sum(fact.c.failing).label("failed"),
            func.sum(literal_column("1") - fact.c.failing).label("started"),
        )
        .group_by(func.grouping_sets(*sets))
        .subquery("counted")
    )
    place = func.row_number().over(
        partition_by=counted.c.trait_bits,
        order_by=(counted.c.failed.desc(), counted.c.started.desc()),
    )
    ranked = select(counted, place.label("rank")).subquery("ranked")
    commonest = select(*(column for column in ranked.c if column.name != "rank")).where(
        ranked.c.rank <= literal(MAX_VALUES, BigInteger)
    )
    return creations.options(commonest)


def _facts(attempted: CTE, scope: Scope, time_range: TimeRange, key: GroupKey) -> CTE:
    """The failures of the group and the successful attempts of its action, with their traits."""
    attempt = described(attempted, scope, time_range)
    compared = (
        select(attempt, flag(in_group(attempt, key)).label("failing"))
        .where(
            attempt.c.action == literal(key.action),
            or_(in_group(attempt, key), attempt.c.outcome == literal(StartOutcome.STARTED.value)),
        )
        .cte("compared")
        .prefix_with(ONCE)
    )
    traits = [compared.c[name] for name in (*_OF_ENTRY, "failing", "at_us")]
    if key.action == CREATE:
        traits_read = select(*traits, compared.c.body.label("metadata"))
    else:
        made = _made(compared, scope, time_range)
        traits_read = select(*traits, made.c.metadata).outerjoin(
            made, made.c.target_id == compared.c.sandbox
        )
    known = traits_read.cte("known").prefix_with(ONCE)
    hour = floor_div(known.c.at_us, literal(HOUR_US, BigInteger)) % literal(24, BigInteger)
    return (
        select(
            *(column for column in known.c if column.name not in ("metadata", "at_us")),
            *(json_text(known.c.metadata, ("body", name)).label(name) for name in _FROM_BODY),
            hour.label("hour"),
        )
        .cte("fact")
        .prefix_with(ONCE)
    )


def _made(compared: CTE, scope: Scope, time_range: TimeRange) -> CTE:
    """What the compared sandboxes were created from: `target_id`, `metadata`."""
    seen = select(compared.c.sandbox).where(compared.c.sandbox.is_not(None))
    return (
        select(entries.c.target_id, func.max(entries.c.metadata).label("metadata"))
        .where(
            within_scope(entries, scope),
            within(entries, extended(time_range, before=NAMED_BEFORE, after=NAMED_BEFORE * 0)),
            and_(
                entries.c.target_type == literal(SANDBOX),
                entries.c.action == literal(CREATE),
                answered_well(entries.c.status_code),
            ),
            entries.c.target_id.in_(seen),
        )
        .group_by(entries.c.target_id)
        .cte("creation")
        .prefix_with(ONCE)
    )


def weigh(rows: Iterable[Mapping[str, Any]], scope: Scope) -> Suspects:
    """The suspects of the rows of the statement."""
    counts = [
        (trait, _value(trait, names, row), int(row["failed"]), int(row["started"]))
        for row in rows
        for trait, names in [_trait(row["trait_bits"])]
    ]
    # Each trait divides all of them: the largest sum is right also where values were left out.
    totals: dict[str, list[int]] = {trait: [0, 0] for trait, _, _ in TRAITS}
    for trait, _, failed, started in counts:
        totals[trait][0] += failed
        totals[trait][1] += started
    all_failed = max(failed for failed, _ in totals.values())
    all_started = max(started for _, started in totals.values())
    looked_at = sum(1 for _, _, failed, _ in counts if failed)
    found = [
        _suspect(trait, value, (failed, started), (all_failed, all_started), looked_at, scope)
        for trait, value, failed, started in counts
        if failed
    ]
    order = {trait: place for place, (trait, _, _) in enumerate(TRAITS)}
    found.sort(key=lambda item: (not item.telling, item.chance, -item.failed, order[item.trait]))
    return Suspects(values=tuple(found), failed=all_failed, started=all_started)


def _suspect(
    trait: str,
    value: str,
    here: tuple[int, int],
    everywhere: tuple[int, int],
    looked_at: int,
    scope: Scope,
) -> Suspect:
    failed, started = here
    chance = chance_of(failed, failed + started, *everywhere)
    lift = (failed / everywhere[0]) / (started / everywhere[1]) if started else None
    return Suspect(
        trait=trait,
        value=value if scope.secrets else redact_text(value),
        failed=failed,
        started=started,
        lift=lift,
        chance=chance,
        telling=(
            failed >= FEWEST_FAILURES and (lift is None or lift > 1) and chance * looked_at < CHANCE
        ),
    )


def chance_of(failed_here: int, here: int, failed: int, started: int) -> float:
    """The one-sided exact test of Fisher: of `failed` failures and `started` successes, `here`
    have a value, `failed_here` of them failures. How likely are so many failures or more among
    those `here`, if failures fell on all alike? From 0 to 1; 1 where there is nothing to compare.
    """
    everything = failed + started
    most = min(here, failed)
    if failed_here <= max(0, here - started):
        return 1.0
    whole = _log_choose(everything, here)
    logs = [
        _log_choose(failed, item) + _log_choose(started, here - item) - whole
        for item in range(failed_here, most + 1)
    ]
    if not logs:
        return 0.0
    largest = max(logs)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(item - largest) for item in logs))


def _log_choose(things: int, chosen: int) -> float:
    if not 0 <= chosen <= things:
        return -math.inf
    return math.lgamma(things + 1) - math.lgamma(chosen + 1) - math.lgamma(things - chosen + 1)


def _trait(bits: int) -> tuple[str, Sequence[str]]:
    last = len(_COLUMNS) - 1
    counted = {name for place, name in enumerate(_COLUMNS) if not int(bits) >> (last - place) & 1}
    for trait, _, names in TRAITS:
        if counted == set(names):
            return trait, names
    raise ValueError(f"no trait has the columns {sorted(counted)}")


def _value(trait: str, names: Sequence[str], row: Mapping[str, Any]) -> str:
    values = ["" if row[name] is None else str(row[name]) for name in names]
    if trait == "key":
        return "…".join(values) if any(values) else ""
    if trait == "hour":
        return f"{int(values[0]):02d}:00"
    if trait != "size":
        return values[0]
    units = ("CPU", "GiB", "GiB disk", "GPU")
    given = [
        f"{value} {unit}"
        for value, unit in zip(values, units, strict=True)
        if value not in ("", "0")
    ]
    return ", ".join(given)
