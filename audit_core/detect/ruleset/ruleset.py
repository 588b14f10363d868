"""The rules that an organization has, as they stand in the state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, select

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.condition import Condition
from audit_core.detect.rules.reading import read_filter, read_rule
from audit_core.detect.rules.rule import Muted, Rule
from audit_core.detect.ruleset.applied import (
    Mute,
    RuleSetting,
    is_on,
    muted_by,
    with_setting,
)
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import RuleError
from audit_core.state.detections.ruleset_tables import own_rule, rule_mute, rule_setting, ruleset

TEXTS_KEPT = 4_096
"""How many texts of own rules, and of filters, are kept parsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationRule:
    """A rule that an organization has, on or off."""

    rule: Rule
    """As it comes: without what the organization settled."""
    setting: RuleSetting
    own: bool
    """Whether the organization wrote it."""
    saved_by: str | None = None
    saved_at: datetime | None = None
    """Who wrote it so, and when; `None` for one that is shipped."""

    @property
    def enabled(self) -> bool:
        """Whether it is on."""
        return is_on(self.rule, self.setting)

    @property
    def settled(self) -> Rule:
        """With the organization's level and threshold."""
        return with_setting(self.rule, self.setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An own rule, or a mute, that cannot be read any more: it was saved by an earlier version. The
    rule finds nothing, the mute leaves nothing out, until somebody writes it anew."""

    id: str
    """Of the rule, or of the mute."""
    is_rule: bool
    text: str
    error: RuleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """All rules of an organization."""

    rules: tuple[OrganizationRule, ...]
    """By title."""
    mutes: tuple[Mute, ...]
    """Those that have ended as well; the newest first."""
    unreadable: tuple[Unreadable, ...]

    def find(self, rule_id: str) -> OrganizationRule | None:
        """One of the rules; `None` if the organization does not have it."""
        return next((one for one in self.rules if one.rule.id == rule_id), None)

    def named(self, name: str) -> tuple[OrganizationRule, ...]:
        """Those with this id or title, whatever the case; several may have one title."""
        sought = name.strip().casefold()
        return tuple(
            one for one in self.rules if sought in (one.rule.id, one.rule.title.casefold())
        )

    def in_force(self, rule: OrganizationRule) -> Rule:
        """A rule as it looks at entries while it is on, mutes applied."""
        return self.muted(rule.settled)

    def muted(self, rule: Rule) -> Rule:
        """Any rule, also one that is not kept, without what is muted for it or for all."""
        muted = (_muted(one) for one in self.mutes if one.rule_id in (None, rule.id))
        return muted_by(rule, [one for one in muted if one is not None])


def ruleset_version(connection: Connection, organization_id: str) -> int:
    """A number that grows with each change to the rules of an organization; 0: none was made. It
    costs one look-up, so that who holds rules need not read them anew to see that none changed."""
    statement = select(ruleset.c.version).where(ruleset.c.organization_id == organization_id)
    return connection.execute(statement).scalar() or 0


def read_ruleset(connection: Connection, organization_id: str) -> Ruleset:
    """All rules of an organization. One that it wrote stands in place of a shipped one with the
    same id, which came with a later version."""
    settings = _settings(connection, organization_id)
    mutes = _mutes(connection, organization_id)
    own, unreadable = _own_rules(connection, organization_id, settings)
    names = {one.rule.id for one in own} | {one.id for one in unreadable}
    shipped = (
        OrganizationRule(rule=rule, setting=settings.get(rule.id, RuleSetting()), own=False)
        for rule in shipped_rules()
        if rule.id not in names
    )
    rules = sorted((*shipped, *own), key=lambda one: (one.rule.title.casefold(), one.rule.id))
    return Ruleset(
        rules=tuple(rules), mutes=mutes, unreadable=(*unreadable, *_unreadable_mutes(mutes))
    )


def parsed_rule(text: str) -> Rule:
    """The rule in a text, read once and kept. Raises `RuleError`."""
    return _parsed_rule(text)


def parsed_filter(text: str) -> Condition:
    """What a Sigma filter leaves out, read once and kept. Raises `RuleError`."""
    return _parsed_filter(text)


@lru_cache(TEXTS_KEPT)
def _parsed_rule(text: str) -> Rule:
    return read_rule(text, "The rule")


@lru_cache(TEXTS_KEPT)
def _parsed_filter(text: str) -> Condition:
    return read_filter(text, "The filter")


def _muted(mute: Mute) -> Muted | None:
    try:
        return Muted(mute.begins_at, mute.ends_at, parsed_filter(mute.filter))
    except RuleError:
        return None  # it stands among the unreadable


def _unreadable_mutes(mutes: Iterable[Mute]) -> Iterable[Unreadable]:
    for mute in mutes:
        try:
            parsed_filter(mute.filter)
        except RuleError as error:
            yield Unreadable(id=mute.id, is_rule=False, text=mute.filter, error=error)


def _settings(connection: Connection, organization_id: str) -> dict[str, RuleSetting]:
    column = rule_setting.c
    rows = connection.execute(select(rule_setting).where(column.organization_id == organization_id))
    return {
        row.rule_id: RuleSetting(
            enabled=row.enabled,
            level=None if row.level is None else Level(row.level),
            threshold=row.threshold,
            switched_on_at=row.switched_on_at,
        )
        for row in rows
    }


def _own_rules(
    connection: Connection, organization_id: str, settings: dict[str, RuleSetting]
) -> tuple[list[OrganizationRule], list[Unreadable]]:
    rules, unreadable = [], []
    statement = select(own_rule).where(own_rule.c.organization_id == organization_id)
    for row in connection.execute(statement.order_by(own_rule.c.rule_id)):
        try:
            rule = parsed_rule(row.text)
        except RuleError as error:
            unreadable.append(Unreadable(id=row.rule_id, is_rule=True, text=row.text, error=error))
            continue
        rules.append(
            OrganizationRule(
                rule=rule,
                setting=settings.get(rule.id, RuleSetting()),
                own=True,
                saved_by=row.saved_by,
                saved_at=row.saved_at,
            )
        )
    return rules, unreadable


def _mutes(connection: Connection, organization_id: str) -> tuple[Mute, ...]:
    statement = select(rule_mute).where(rule_mute.c.organization_id == organization_id)
    rows = connection.execute(statement.order_by(rule_mute.c.set_at.desc(), rule_mute.c.id))
    return tuple(
        Mute(
            id=row.id,
            rule_id=row.rule_id,
            filter=row.filter,
            reason=row.reason,
            begins_at=row.begins_at,
            ends_at=row.ends_at,
            set_by=row.set_by,
            set_at=row.set_at,
            lifted_by=row.lifted_by,
            lifted_at=row.lifted_at,
        )
        for row in rows
    )
