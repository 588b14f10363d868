"""A rule as an organization has it: with its level, its threshold, and without what is muted.

Pure. A mute says when: it leaves out what a filter names of the entries that were made while it
lasted. So what a rule finds still depends on the entries alone, and a mute ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from audit_core.detect.rules.rule import (
    AboveBand,
    EventCount,
    LogSource,
    Muted,
    Rule,
    ValueCount,
)
from audit_core.domain.alerts.level import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """What an organization settled for a rule; `None`: as the rule comes."""

    enabled: bool | None = None
    level: Level | None = None
    threshold: int | None = None
    """As of `Rule.threshold`."""
    switched_on_at: datetime | None = None
    """When somebody switched it on last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Entries that rules leave out."""

    id: str
    rule_id: str | None
    """`None`: all rules over entries."""
    filter: str
    """A Sigma filter, see `reading.read_filter`."""
    reason: str
    """Of a person's choosing: never to be read as markup."""
    begins_at: datetime
    ends_at: datetime
    """Entries made from the one to before the other."""
    set_by: str
    set_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    """`None`: it ends, or ended, by itself."""

    def lasts(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return now < self.ends_at


def on_by_default(rule: Rule) -> bool:
    """Whether a rule is on where nobody said so. An informational one says what was done, mostly by
    people who may: as an alert it is one only where somebody wants it to be."""
    return rule.level is not Level.INFORMATIONAL


def is_on(rule: Rule, setting: RuleSetting) -> bool:
    """Whether a rule, as it comes, is on."""
    return on_by_default(rule) if setting.enabled is None else setting.enabled


def with_setting(rule: Rule, setting: RuleSetting) -> Rule:
    """The rule with the organization's level and threshold. A threshold of a rule that does not
    count any more says nothing."""
    correlation = rule.correlation
    if setting.threshold is not None and isinstance(
        correlation, EventCount | ValueCount | AboveBand
    ):
        correlation = replace(correlation, least=setting.threshold)
    return replace(rule, level=setting.level or rule.level, correlation=correlation)


def muted_by(rule: Rule, muted: Iterable[Muted]) -> Rule:
    """The rule without these entries, beside those that it leaves out already."""
    if rule.source is not LogSource.ENTRIES:
        return rule
    return replace(rule, muted=(*rule.muted, *muted))
