"""The verbs of the access record that are about the tree, and about what it shows."""

from __future__ import annotations

from audit_core.state.access_log.verb import Category, Verb

INTEGRITY_VERBS = (
    Verb(
        name="verification.requested",
        sentence="Asked for a full verification of the log.",
        category=Category.WORK,
    ),
    Verb(
        name="verification.cancelled",
        sentence="Cancelled a full verification of the log.",
        category=Category.WORK,
    ),
    Verb(
        name="finding.acknowledged",
        sentence="Acknowledged what a verification of the log had found, so that it is no alarm.",
        category=Category.WORK,
        target="count",
    ),
    Verb(
        name="vanished.acknowledged",
        sentence="Acknowledged that entries are gone which an earlier export had held.",
        category=Category.WORK,
        target="file",
    ),
)
