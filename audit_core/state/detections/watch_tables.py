"""The tables of how the watching goes: since when, how far, what fails, and what nobody watched."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Counter, FreeText, metadata

# One row, once rules have begun to watch this installation's log: when that was, and when they last
# were known to.
watch_beat = Table(
    "watch_beat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("beat_at", UtcTime, nullable=False),
)

# The organizations of the log that are watched.
watched_organization = Table(
    "watched_organization",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("since", UtcTime, nullable=False),
)

# How the watching of a rule goes in an organization. `problem`: why it could not look when it last
# tried, since `failing_since`; `behind_since`: since when it has not been able to keep up;
# `off_since`: since when it is switched off. NULL: it could, it does, it is not.
rule_watch = Table(
    "rule_watch",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("problem", FreeText),
    Column("failing_since", UtcTime),
    Column("behind_since", UtcTime),
    Column("off_since", UtcTime),
)

# When a rule did not watch: what arrived then it has not looked at. `reason`: a `BlindReason`.
blind_time = Table(
    "blind_time",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("organization_id", FreeText, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("began_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Index("ix_blind_time_organization_id_ended_at", "organization_id", "ended_at"),
)
