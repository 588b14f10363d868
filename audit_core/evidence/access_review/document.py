"""An access review on paper: one HTML file, as a report is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from audit_core.evidence.access_review.download import file_stem
from audit_core.evidence.access_review.words import used, what
from audit_core.evidence.report.frame import (
    EXTENSION,
    MAX_NAME,
    MAX_TEXT,
    Document,
    cut,
    environment,
    framed,
)
from audit_core.workspace.access_reviews.review import (
    Decision,
    Review,
    ReviewItem,
    SubjectKind,
    digest_of,
)

_TEMPLATES = Path(__file__).parent / "templates"


def render(
    review: Review,
    items: Sequence[ReviewItem],
    *,
    organization: str,
    made_by: str,
    made_at: datetime,
    version: str,
) -> Document:
    """The review with all of its lines, by kind; `organization` is a name for people."""
    made = environment(review.zone, _TEMPLATES)
    made.filters |= {
        "what": lambda item: cut(what(item), MAX_TEXT),
        "used": used,
        "decided": _decided,
    }
    content = made.get_template("review.html").render(
        review=review,
        organization=organization,
        made_by=made_by,
        made_at=made_at,
        version=version,
        intact=not review.signed or digest_of(review, items) == review.sha256,
        decisions=_decisions(items),
        kinds=[
            (kind.label, found)
            for kind in SubjectKind
            if (found := [item for item in items if item.line.kind is kind])
        ],
    )
    return framed(
        content,
        file_name=f"{file_stem(organization, review)}.{EXTENSION}",
        title=f"Access review {cut(review.period, MAX_NAME)}: {cut(organization, MAX_NAME)}",
        version=version,
    )


def _decisions(items: Sequence[ReviewItem]) -> list[tuple[str, int]]:
    counts = Counter(item.decision for item in items)
    named = ((decision.label, counts[decision]) for decision in Decision)
    return [pair for pair in (*named, ("Open", counts[None])) if pair[1]]


def _decided(item: ReviewItem) -> str:
    """The note, and who decided."""
    own = " (own access)" if item.decided_by_subject else ""
    by = "" if item.decided_by is None else f"{cut(item.decided_by, MAX_NAME)}{own}"
    return "\n".join(filter(None, (cut(item.note, MAX_TEXT), by)))
