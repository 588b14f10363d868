"""The verbs of the access record that are about access reviews."""

from __future__ import annotations

from audit_core.state.access_log.verb import Category, Verb

REVIEW_VERBS = (
    Verb(
        name="access_review.started",
        sentence="Began an access review, and froze who had access.",
        category=Category.ACCESS,
        target="period",
    ),
    Verb(
        name="access_review.decided",
        sentence="Attested or revoked an access in an access review.",
        category=Category.ACCESS,
        target="subject",
    ),
    Verb(
        name="access_review.signed",
        sentence="Signed an access review off; it cannot be changed any more.",
        category=Category.ACCESS,
        target="period",
    ),
    Verb(
        name="access_review.discarded",
        sentence="Discarded an access review that was not signed off.",
        category=Category.ACCESS,
        target="period",
    ),
    Verb(
        name="access_review.downloaded",
        sentence="Downloaded an access review.",
        category=Category.EXPORT,
        target="file",
    ),
)
