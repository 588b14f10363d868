"""What could be written next in a query text, while a person types: two routes for GET.

`SUGGESTIONS_PATH` is for queries of the log, `RECORD_SUGGESTIONS_PATH` for those of the access
record. Both take the text `before` the cursor and the one `after` it, either may be missing, and
answer 200 with `{"suggestions": [{"shown", "note", "count", "before", "after", "more"}], "hint"}`,
see `query.suggestions.Suggestion`; 400 for a text that is longer than a query may be, 401, 403,
429 for whoever asks too often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Generic

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.access import Permission, Scope
from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import Part, RecordScope
from audit_core.evidence.access_log.suggestions import suggested as suggested_of_record
from audit_core.evidence.access_log.suggestions import values_of
from audit_core.explore.autocomplete.completion import suggest
from audit_core.explore.autocomplete.suggestions import Listed, Suggestions, suggestions
from audit_core.explore.autocomplete.value_cache import KnownValues, ScopeT, values_of_log
from audit_core.explore.reader import Reader
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.query.limits import MAX_CHARACTERS
from audit_core.web.errors import ErrorCode, refusal
from audit_core.web.limits.rate_limit import MAX_REQUESTS, SPAN, Pace
from audit_core.web.openapi.operation import (
    READS_THE_LOG,
    Answer,
    ApiRoute,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.reading import run_read
from audit_core.web.routes.access_record import (
    ACCESS_RECORD_PATH,
    OFFERED,
    PART,
    part_of,
    read_part,
)
from audit_core.web.security.identity import address_of, known_viewer, require, session_secret
from audit_core.web.security.refusals import note_refusal

SUGGESTIONS_PATH = "/api/v1/suggestions"
RECORD_SUGGESTIONS_PATH = f"{ACCESS_RECORD_PATH}/suggestions"

_TEXTS = (
    Parameter(
        name="before",
        description=f"The text before the cursor; with `after` at most {MAX_CHARACTERS:,} "
        "characters.",
        example="outcome:fai",
    ),
    Parameter(name="after", description="The text behind the cursor."),
)
_FOUND = {200: Answer(description="How the query could go on.", kinds=(Suggestions,))}

SUGGESTIONS = Operation(
    id="getSuggestions",
    summary="How a query could go on",
    description=f"At most {MAX_REQUESTS} requests of an account in {SPAN.seconds} seconds.",
    section=Section.PAGES,
    callers=(Caller.PERSON,),
    permission=Permission.READ,
    parameters=_TEXTS,
    answers=_FOUND,
    errors=(ErrorCode.INVALID_REQUEST, *READS_THE_LOG),
)
RECORD_SUGGESTIONS = Operation(
    id="getAccessRecordSuggestions",
    summary="How a query of the access record could go on",
    section=Section.PAGES,
    callers=(Caller.PERSON,),
    permission=Permission.READ_RECORD,
    parameters=(*_TEXTS, PART),
    answers=_FOUND,
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.TOO_MANY_REQUESTS),
)


def suggestions_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`SUGGESTIONS_PATH`; values are those of the organization that the session looks at."""
    pace, kept = Pace(), _Kept(lambda opened: values_of_log(Reader(opened.log), opened.clock))

    def answer(request: Request, viewer: Viewer, scope: Scope, texts: tuple[str, str]) -> Response:
        opened = installation()
        if refused := _too_fast(pace, request, viewer, opened):
            return refused
        return JSONResponse(asdict(_suggested(*texts, scope, kept.of(opened))))

    async def receive(request: Request) -> Response:
        found = await require(request, installation, Permission.READ)
        if isinstance(found, Response):
            return found
        viewer, scope = found
        texts = _texts(request)
        if isinstance(texts, Response):
            return texts
        return await run_read(
            request,
            installation().log.new_request(person=viewer.account_id),
            lambda: answer(request, viewer, scope, texts),
        )

    return ApiRoute(SUGGESTIONS_PATH, receive, SUGGESTIONS)


def record_suggestions_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`RECORD_SUGGESTIONS_PATH`, which takes `part` as the record's download does: `organization`
    or, for operators, `installation`. Values are those of that part."""
    pace = Pace()
    kept = _Kept(lambda opened: KnownValues(values_of(RecordReader(opened.state)), opened.clock))

    def answer(request: Request) -> Response:
        opened = installation()
        secret, address = session_secret(request.headers.getlist("cookie")), address_of(request)
        viewer = known_viewer(opened, secret, address, request.url.path)
        if isinstance(viewer, Response):
            return viewer
        try:
            part = read_part(request.query_params.get("part", Part.ORGANIZATION))
        except ValueError as error:
            return refusal(
                ErrorCode.INVALID_REQUEST, str(error), f"Choose from {', '.join(OFFERED)}."
            )
        scope = part_of(opened, viewer, part, address)
        if isinstance(scope, Response):
            return scope
        texts = _texts(request)
        if isinstance(texts, Response):
            return texts
        if refused := _too_fast(pace, request, viewer, opened):
            return refused
        known: KnownValues[RecordScope] = kept.of(opened)
        return JSONResponse(asdict(suggested_of_record(*texts, scope, known.of)))

    async def receive(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return ApiRoute(RECORD_SUGGESTIONS_PATH, receive, RECORD_SUGGESTIONS)


class _Kept(Generic[ScopeT]):
    """The known values of the product that is open."""

    def __init__(self, make: Callable[[Installation], KnownValues[ScopeT]]) -> None:
        self._make = make
        self._known: tuple[Installation, KnownValues[ScopeT]] | None = None

    def of(self, opened: Installation) -> KnownValues[ScopeT]:
        known = self._known
        if known is None or known[0] is not opened:  # The first one, or opened anew.
            self._known = known = (opened, self._make(opened))
        return known[1]


def _texts(request: Request) -> tuple[str, str] | Response:
    before, after = (request.query_params.get(name, "") for name in ("before", "after"))
    if len(before) + len(after) > MAX_CHARACTERS:
        return refusal(
            ErrorCode.INVALID_REQUEST,
            f"A query has at most {MAX_CHARACTERS:,} characters.",
            "Shorten it.",
        )
    return before, after


def _too_fast(
    pace: Pace, request: Request, viewer: Viewer, opened: Installation
) -> Response | None:
    if pace.allows(viewer.account_id, opened.clock()):
        return None
    note_refusal(opened, "pace.refused", request.scope, viewer, path=request.url.path)
    seconds = int(SPAN.total_seconds())
    return refusal(
        ErrorCode.TOO_MANY_REQUESTS,
        f"More than {MAX_REQUESTS} requests of your account came within {seconds} seconds.",
        "Wait a little, and type on.",
        retry_after_s=seconds,
    )


def _suggested(before: str, after: str, scope: Scope, known: KnownValues[Scope]) -> Suggestions:
    text = before + after
    completion = suggest(text, len(before))
    listed = known.of(completion.listed, scope) if completion.listed else Listed()
    return suggestions(text, completion, listed)
