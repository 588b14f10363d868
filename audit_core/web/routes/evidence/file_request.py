"""What a request for a file about a window of the log asks for."""

from __future__ import annotations

from datetime import datetime

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.download import StreamedFormat, TextFormat
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.web.routes.attachment import read_as_of, read_kind


class FileRequest:
    """The parameters of a file: the filter's, `organization`, `as_of`, and those of `read_kind`
    where there are several `formats`. Raises `FilterError` with a sentence for each that is wrong.
    """

    def __init__(
        self,
        params: dict[str, list[str]],
        now: datetime,
        *,
        formats: type[StreamedFormat | TextFormat] | None,
    ) -> None:
        problems: list[str] = []
        self.organization_id = params.pop("organization", [None])[0]
        """The one that the page showed; `None` for a request that does not say."""
        given = {} if formats is None else params
        self.kind = read_kind(given, problems, formats or TextFormat)
        self.as_of = read_as_of(params, problems, now)
        """What a relative window counts from."""
        if problems:
            raise FilterError(tuple(problems))
        self.entry_filter = EntryFilter.from_params(params)

    def query(self, scope: Scope) -> Query:
        """What is asked within the scope. Raises `QueryError` for what it may not see."""
        return Query(self.entry_filter, scope, self.entry_filter.window.time_range(self.as_of))
