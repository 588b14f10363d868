"""An access review as a file: CSV for spreadsheets or for machines, or JSON lines.

The JSON lines of a review that is signed off are what was signed, to the byte: their SHA-256 is the
one that the review and the access record hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from audit_core.evidence.download import FileKind, Format, name_part
from audit_core.evidence.formats.csv_text import CsvText, Value
from audit_core.workspace.access_reviews.review import (
    Review,
    ReviewItem,
    item_object,
    signed_lines,
)

FIELDS = (
    *("period", "number", "kind", "subject", "subjectId", "frozen", "uses", "lastUsedAt"),
    *("decision", "note", "decidedBy", "decidedAt", "decidedBySubject"),
    *("startedBy", "startedAt", "signedBy", "signedAt", "sha256"),
)
"""The columns of the CSV, in order; the last five say the same in each row."""


def pieces(review: Review, items: Sequence[ReviewItem], kind: FileKind) -> Iterator[bytes]:
    """The file, UTF-8."""
    if kind.format is not Format.CSV:
        for line in signed_lines(review, items):
            yield f"{line}\n".encode("utf-8", "replace")
        return
    text = CsvText(FIELDS, ["startedAt", "signedAt"], kind.audience)
    yield text.header()
    yield text.rows([_row(review, item) for item in items])


def file_name(organization: str, review: Review, kind: FileKind) -> str:
    """`file_stem` and the ending of the kind."""
    return f"{file_stem(organization, review)}{kind}"


def file_stem(organization: str, review: Review) -> str:
    """A name that says whose review it is, of what, and whether it is signed off. ASCII only."""
    of, period = name_part(organization, "organization"), name_part(review.period, "period")
    state = "signed" if review.signed else "open"
    return f"access-review_{of}_{period}_{state}_{review.id[:8]}"


def _row(review: Review, item: ReviewItem) -> list[Value]:
    values = item_object(item)
    values["frozen"] = json.dumps(values["frozen"], ensure_ascii=False, sort_keys=True)
    values["decidedBySubject"] = "yes" if item.decided_by_subject else "no"
    return [
        review.period,
        *(values[name] for name in FIELDS[1:13]),
        review.started_by,
        review.started_at,
        review.signed_by,
        review.signed_at,
        review.sha256,
    ]
