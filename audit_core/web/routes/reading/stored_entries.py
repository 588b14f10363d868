"""GET /api/v1/entries: what a filter matches, page by page, for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.explore.reader import Reader
from audit_core.installation.opened import Installation
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import format_instant
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.reading import run_read
from audit_core.web.routes.attachment import refuse_head
from audit_core.web.routes.entries import ENTRIES_PATH
from audit_core.web.routes.reading.answers import EntryPage, entry_objects
from audit_core.web.routes.reading.caller import Reading, require_caller
from audit_core.web.routes.reading.operations import DEFAULT_ENTRIES, ENTRIES, MAX_ENTRIES
from audit_core.web.routes.reading.page_token import PageToken, seal, unseal
from audit_core.web.routes.reading.parameters import only, read_params, whole_number


def stored_entries_route(reading: Reading) -> ApiRoute:
    """The filter's parameters as in the address of Explore, `limit`, and the `cursor` of the page
    before: by a token for `read:audit_logs`, or by a person with that permission."""

    async def read(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        caller = await require_caller(request, reading.installation)
        if isinstance(caller, Response):
            return caller
        opened = reading.begin(request, caller)
        question = _read_question(read_params(request.scope["query_string"]))
        context = opened.log.new_request(person=caller.person)
        reader = reading.reader(opened)
        return await run_read(
            request,
            context,
            lambda: JSONResponse(_answer(opened, reader, caller.scope, question)),
        )

    return ApiRoute(ENTRIES_PATH, read, ENTRIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    entry_filter: EntryFilter
    limit: int
    cursor: str | None

    def query(self, scope: Scope, as_of: datetime) -> Query:
        time_range = self.entry_filter.window.time_range(as_of)
        return Query(self.entry_filter, scope, time_range)


def _read_question(params: dict[str, list[str]]) -> _Question:
    """Raises `FilterError`."""
    problems: list[str] = []
    cursor = only(params, "cursor", problems)
    limit = whole_number(params, "limit", DEFAULT_ENTRIES, range(1, MAX_ENTRIES + 1), problems)
    if problems:
        raise FilterError(tuple(problems))
    return _Question(entry_filter=EntryFilter.from_params(params), limit=limit, cursor=cursor)


def _answer(opened: Installation, reader: Reader, scope: Scope, question: _Question) -> EntryPage:
    whose = f"entries of {scope.organization_id}"
    token = None
    if question.cursor:
        try:
            token = unseal(question.cursor, opened.key, whose)
        except ValueError as error:
            raise FilterError(
                (f"The cursor cannot be read: {error}.",), "Begin again without a cursor."
            ) from None
    as_of = token.as_of if token else opened.clock()
    query = question.query(scope, as_of)
    page = reader.page(query, token.cursor if token else None, question.limit)
    return EntryPage(
        entries=entry_objects(page.rows, scope),
        next=None
        if page.older is None
        else seal(PageToken(cursor=page.older, as_of=as_of), opened.key, whose),
        as_of=format_instant(as_of),
    )
