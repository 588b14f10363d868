"""The verbs of the access record that are about files of entries."""

from __future__ import annotations

from audit_core.state.access_log.verb import AccessOutcome, Category, Verb

EXPORT_VERBS = (
    Verb(
        name="export.started",
        sentence="Began to export entries of the log.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.finished",
        sentence="Exported entries of the log, to the last one.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.broken",
        sentence="An export of entries broke off before its end.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="file",
    ),
    Verb(
        name="export.requested",
        sentence="Asked for an export of entries, to be made in the background.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.made",
        sentence="Had an export of entries made, to the last one.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.failed",
        sentence="An export of entries could not be made.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="file",
    ),
    Verb(
        name="export.vanished",
        sentence="Found that entries are gone which an earlier export of the same held.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="file",
    ),
    Verb(
        name="export.cancelled",
        sentence="Cancelled an export of entries.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.downloaded",
        sentence="Downloaded the file of an export.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.expired",
        sentence="Removed the file of an export, whose time was over.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.deleted",
        sentence="Deleted an export.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.handed",
        sentence="Handed the file of an export to the installation's folder.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export_limit.set",
        sentence="Set how many entries one export of the organization may hold.",
        category=Category.SETTING,
        target="entries",
    ),
    Verb(
        name="export_schedule.added",
        sentence="Had exports made by themselves.",
        category=Category.EXPORT,
        target="schedule",
    ),
    Verb(
        name="export_schedule.paused",
        sentence="Paused a schedule of exports.",
        category=Category.EXPORT,
        target="schedule",
    ),
    Verb(
        name="export_schedule.resumed",
        sentence="Had a schedule of exports go on.",
        category=Category.EXPORT,
        target="schedule",
    ),
    Verb(
        name="export_schedule.removed",
        sentence="Removed a schedule of exports.",
        category=Category.EXPORT,
        target="schedule",
    ),
    Verb(
        name="export_schedule.stopped",
        sentence="A schedule of exports stopped, since what it asks for may not or cannot be made.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="schedule",
    ),
)
"""Those of downloads that are written while they are sent (`started`, `finished`, `broken`), and of
exports that are made in the background."""
