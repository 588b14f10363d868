"""CSV: one entry a row, for spreadsheets or for machines (see `csv_text`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.evidence.formats.csv_text import Audience, CsvText

_NAMES = [name for name, _ in FIELDS]
_values = attrgetter(*(attribute for _, attribute in FIELDS))


def write(batches: Iterable[list[AuditEntry]], audience: Audience) -> Iterator[bytes]:
    """UTF-8 text by RFC 4180 with a header row, a piece for each batch.

    Names and order are those of `FIELDS`. An absent value is an empty cell; for machines an empty
    text is a quoted one, so that `ingest` makes the same entries of the file.
    """
    text = CsvText(_NAMES, ["createdAt"], audience)
    yield text.header()
    for batch in batches:
        yield text.rows(map(_values, batch))
