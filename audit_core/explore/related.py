"""What happened around an entry: which other entries have something in common with it."""

from __future__ import annotations

from enum import StrEnum

from audit_core.domain.entries import AuditEntry
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import ALL_TIME, Window
from audit_core.query.value_filter import NONE


class Relation(StrEnum):
    """What two entries have in common."""

    ACTOR = "actor"
    """The actor, by the id."""
    TARGET = "target"
    """The target, by type and id or name."""


def related_filter(entry: AuditEntry, relation: Relation) -> EntryFilter | None:
    """The entries that have this in common with the entry, itself among them.

    `None` if it has no target that others could have too.
    """
    window = Window(preset=ALL_TIME)
    if relation is Relation.ACTOR:
        return EntryFilter(window=window, actors=(entry.actor_id,))
    if entry.target_id in (None, NONE) or entry.target_type == NONE:
        return None
    return EntryFilter(
        window=window, targets=(entry.target_id,), target_types=(entry.target_type or NONE,)
    )
