"""A rule: what it looks for, and what a person needs to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from audit_core.detect.rules.condition import Condition
from audit_core.detect.rules.fields import RuleField
from audit_core.domain.alerts.level import Level

MAX_GROUPS = 4
"""By how many fields a rule may tell entries apart."""


class LogSource(StrEnum):
    """Where a rule looks. The value is Sigma's product and service."""

    ENTRIES = "daytona/audit"
    """The log's entries."""
    ACCESS = "sandtrail/access"
    """This product's own access record."""
    SOURCES = "sandtrail/sources"
    """What comes from the sources: one line for each silence."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What an entry must be to count for a rule."""

    name: str
    """By which other parts of the rule name it."""
    condition: Condition


@dataclass(frozen=True, slots=True)
class Muted:
    """Entries that are left out: those made from the one time to before the other (both aware), of
    which the condition is true."""

    begin: datetime
    end: datetime
    condition: Condition


@dataclass(frozen=True, slots=True)
class Group:
    """A value by which entries are told apart: each group is looked at by itself."""

    name: str
    """A field, or the name under which a rule joins different ones."""
    fields: tuple[RuleField, ...]
    """The field of each selection, in their order."""


@dataclass(frozen=True, slots=True)
class Single:
    """Each entry that a selection selects."""


@dataclass(frozen=True, slots=True)
class EventCount:
    """At least so many entries within a time span."""

    span: timedelta
    least: int


@dataclass(frozen=True, slots=True)
class ValueCount:
    """At least so many different values of a field within a time span."""

    field: RuleField
    span: timedelta
    least: int


@dataclass(frozen=True, slots=True)
class Temporal:
    """Entries of so many of the selections, at least, within a time span."""

    span: timedelta
    least: int


@dataclass(frozen=True, slots=True)
class TemporalOrdered:
    """An entry of each selection, in their order, within a time span."""

    span: timedelta


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """An entry of the first selection with values that the group never had before, though it had
    others. Entries of a second selection, if there is one, are history only."""

    fields: tuple[RuleField, ...]
    """One at least: the value of each must be new."""
    before: timedelta
    """How far back history goes."""
    within: timedelta = timedelta(0)
    """How long a value stays new; history is what was before that. Less than `before`."""
    known: timedelta = timedelta(0)
    """For how long the group must be known, at least. Less than `before`."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An entry of the first selection that none of the second follows within a time span."""

    span: timedelta


@dataclass(frozen=True, slots=True)
class AboveBand:
    """An hour with at least so many entries, and more than so many times as many as any hour of
    the time before."""

    before: timedelta
    """Whole hours."""
    factor: int
    least: int


Correlation: TypeAlias = (
    Single | EventCount | ValueCount | Temporal | TemporalOrdered | FirstSeen | Missing | AboveBand
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule."""

    id: str
    """A UUID, which stays as long as the rule means the same."""
    title: str
    why: str
    """Why it matters: one or more sentences."""
    level: Level
    source: LogSource
    selections: tuple[Selection, ...]
    """One at least. An entry may be selected by several."""
    groups: tuple[Group, ...]
    """None: all entries together. An entry that lacks one of the fields is in no group."""
    correlation: Correlation
    techniques: tuple[str, ...] = ()
    """Ids of ATT&CK, such as T1078.004."""
    false_positives: tuple[str, ...] = ()
    what_to_do: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    """The YAML that it was read from."""
    muted: tuple[Muted, ...] = ()
    """What is as if it had not happened. Only what follows in a rule about something missing counts
    all the same: else leaving it out would make the rule find more."""

    @property
    def threshold(self) -> int | None:
        """From which number on it finds something: of entries, or of values; `None` if it does not
        count."""
        if isinstance(self.correlation, EventCount | ValueCount | AboveBand):
            return self.correlation.least
        return None

    @property
    def reach(self) -> timedelta:
        """How far before an entry others may have a say in what the rule finds there."""
        if isinstance(self.correlation, Single):
            return timedelta(0)
        if isinstance(self.correlation, FirstSeen):
            return self.correlation.before
        if isinstance(self.correlation, AboveBand):
            return self.correlation.before + timedelta(hours=1)
        return self.correlation.span
