"""The tables of the rules that an organization has: settings, own rules, mutes."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import FreeText, RandomId, metadata

# Counts the changes to the rules of an organization, so that who holds them sees that they changed.
ruleset = Table(
    "ruleset",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),
)

# What an organization settled for a rule; NULL: as the rule comes. `switched_on_at`: when it was
# last switched on by somebody.
rule_setting = Table(
    "rule_setting",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("enabled", Boolean),
    Column("level", Text),
    Column("threshold", Integer),
    Column("switched_on_at", UtcTime),
    Column("changed_by", FreeText, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

# A rule that an organization wrote.
own_rule = Table(
    "own_rule",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("text", FreeText, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("saved_by", FreeText, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
)

# Entries that rules leave out: those that a Sigma filter names and that were made from `begins_at`
# to before `ends_at`. Without a rule: of all. It stays when it has ended, since entries may come
# late; `lifted_by`: who ended it before its time.
rule_mute = Table(
    "rule_mute",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), nullable=False),
    Column("rule_id", Text),
    Column("filter", FreeText, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("begins_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("set_by", FreeText, nullable=False),
    Column("set_at", UtcTime, nullable=False),
    Column("lifted_by", FreeText),
    Column("lifted_at", UtcTime),
    Index("ix_rule_mute_organization_id", "organization_id"),
)
