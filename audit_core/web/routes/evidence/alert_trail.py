"""GET /api/v1/alerts/{id}/history: what happened to an alert, as a file."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.detect.alerts.reading import alert_detail
from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.alert_trail import file_name, pieces
from audit_core.evidence.download import Progress, TextFormat
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.web.errors import ErrorCode, not_found
from audit_core.web.openapi.operation import (
    Answer,
    ApiRoute,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.parameters import (
    AUDIENCE,
    SHOWN_ORGANIZATION,
    TEXT_FORMAT,
    TEXT_TYPES,
)
from audit_core.web.routes.attachment import (
    attachment,
    noting,
    read_kind,
    refuse_head,
    refuse_other_organization,
)
from audit_core.web.security.identity import address_of, require

ALERT_TRAIL_PATH = "/api/v1/alerts/{id}/history"

OPERATION = Operation(
    id="getAlertHistory",
    summary="What happened to an alert",
    description="Who changed it and when, what was found and said. The download is on record.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.EXPORT,
    parameters=(
        Parameter(name="id", description="The alert's id.", in_path=True),
        TEXT_FORMAT,
        AUDIENCE,
        SHOWN_ORGANIZATION,
    ),
    answers={200: Answer(description="The file.", media_types=TEXT_TYPES)},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.NOT_FOUND, ErrorCode.OTHER_ORGANIZATION),
)


def alert_trail_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`ALERT_TRAIL_PATH` takes `format` (`csv` or `jsonl`), `for` (whom CSV is for) and
    `organization` (the one that the page showed).

    200 with the file, which is on record before it goes out; 401; 403 without the permission to
    read the log, or to export; 404 for an alert that the organization does not have.
    """

    async def trail(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        reads = await require(request, installation, Permission.READ)
        if isinstance(reads, Response):
            return reads
        found = await require(request, installation, Permission.EXPORT)
        if isinstance(found, Response):
            return found
        viewer, scope = found
        return await run_in_threadpool(_answer, installation(), viewer, scope, request)

    return ApiRoute(ALERT_TRAIL_PATH, trail, OPERATION)


def _answer(opened: Installation, viewer: Viewer, scope: Scope, request: Request) -> Response:
    params = parse_qs(request.url.query, keep_blank_values=True)
    shown = params.pop("organization", [None])[0]
    if refusal := refuse_other_organization(shown, scope.organization_id):
        return refusal
    problems: list[str] = []
    kind = read_kind(params, problems, TextFormat)
    problems += [f"The parameter {name[:80]!r} is unknown." for name in params]
    if problems:
        raise FilterError(tuple(problems))
    with opened.state.read() as connection:
        found = alert_detail(connection, scope.organization_id or "", request.path_params["id"])
    if found is None:
        return not_found("Your present organization has no such alert.", "Open it again.")
    progress = Progress()
    content = b"".join(progress.measured(pieces(found, kind)))
    name = file_name(found, kind)
    # Where this cannot be put on record, no file goes out.
    detail = {"alert": found.alert.number, **kind.detail(), "file": name}
    note = noting(opened, viewer, scope.organization_id, address_of(request), detail)
    note("alert.trail_downloaded", progress.detail(whole=True))
    return Response(content, media_type=kind.media_type, headers=attachment(name))
