"""Have exports made in the background, see how far they are, take their files."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.access import Permission
from audit_core.evidence.jobs import deeds, store
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.evidence.titles import title_of
from audit_core.installation.opened import Installation
from audit_core.state.access_log.record import record
from audit_core.web.errors import ErrorCode, forbidden, not_found, refusal
from audit_core.web.limits.rate_limit import Pace
from audit_core.web.openapi.operation import ApiRoute, Operation
from audit_core.web.routes.attachment import (
    attachment,
    refuse_other_organization,
)
from audit_core.web.routes.exporting import operations as said
from audit_core.web.routes.exporting.answers import answer_of
from audit_core.web.routes.exporting.endpoint import Answered, endpoint
from audit_core.web.routes.exporting.exporter import Exporter
from audit_core.web.routes.exporting.file_response import file_response
from audit_core.web.routes.exporting.ranges import UnsatisfiableRange, read_range
from audit_core.web.routes.exporting.request import read_request, refuse_unknown
from audit_core.web.routes.exporting.schedules import SCHEDULE_ROUTES
from audit_core.web.routes.reading.parameters import one_of, read_params, whole_number
from audit_core.web.security.identity import address_of

HEAD = "HEAD"
UNKNOWN = "There is no such export."
UNKNOWN_HINT = "It may have been deleted. Ask for the list of exports."


def exporting_routes(installation: Callable[[], Installation]) -> list[ApiRoute]:
    """All of them. An unknown id and one of another organization are alike: 404."""
    pace = Pace()

    def route(path: str, operation: Operation, answer: Answered) -> ApiRoute:
        return ApiRoute(path, endpoint(installation, pace, answer), operation)

    return [
        # Before those of one export, whose id could be anything.
        *(route(*one) for one in SCHEDULE_ROUTES),
        route(said.EXPORTS_PATH, said.LIST, _list),
        route(said.EXPORTS_PATH, said.CREATE, _create),
        route(said.ONE_PATH, said.SHOW, _show),
        route(said.FILE_PATH, said.DOWNLOAD, _download),
        route(said.CANCEL_PATH, said.CANCEL, _cancel),
        route(said.REPEAT_PATH, said.REPEAT, _repeat),
        route(said.ONE_PATH, said.DELETE, _delete),
    ]


def _create(request: Request, opened: Installation, exporter: Exporter) -> Response:
    now = opened.clock()
    params = read_params(request.scope["query_string"])
    shown = params.pop("organization", [None])[0]
    if refused := refuse_other_organization(shown, exporter.organization_id):
        return refused
    view_id = params.pop("view", [""])[-1]
    asked = read_request(params, now)
    if asked.secrets and not exporter.may_reveal:
        return _without_reveal(request, opened, exporter)
    with opened.state.begin() as connection:
        title = title_of(opened.state, exporter.viewer, asked.entry_filter, view_id)
        job = deeds.request_export(
            connection,
            organization_id=exporter.organization_id,
            person=exporter.person,
            requested_by=exporter.name,
            title=title,
            request=asked,
            now=now,
            address=address_of(request),
            may_reveal=exporter.may_reveal,
        )
        return _in_line(connection, opened, job)


def _repeat(request: Request, opened: Installation, exporter: Exporter) -> Response:
    params, problems = read_params(request.scope["query_string"]), list[str]()
    since = one_of(params, "since", "0", ("0", "1"), problems)
    refuse_unknown(params, problems)
    with opened.state.read() as connection:
        job = _found(connection, request, exporter)
    if job is None:
        return not_found(UNKNOWN, UNKNOWN_HINT)
    if job.holds_secrets and not exporter.may_reveal:
        return _without_reveal(request, opened, exporter)
    with opened.state.begin() as connection:
        again = deeds.repeat(
            connection,
            job,
            person=exporter.person,
            requested_by=exporter.name,
            now=opened.clock(),
            address=address_of(request),
            may_reveal=exporter.may_reveal,
            since=since == "1",
        )
        return _in_line(connection, opened, again)


def _in_line(connection: Connection, opened: Installation, job: ExportJob) -> Response:
    answer = answer_of(job, store.open_jobs(connection), opened.clock())
    location = opened.settings.base_path + said.ONE_PATH.format(id=job.id)
    return JSONResponse(answer.as_json(), status_code=202, headers={"location": location})


def _list(request: Request, opened: Installation, exporter: Exporter) -> Response:
    params, problems = read_params(request.scope["query_string"]), list[str]()
    allowed = range(1, said.MAX_LIMIT + 1)
    limit = whole_number(params, "limit", said.DEFAULT_LIMIT, allowed, problems)
    refuse_unknown(params, problems)
    now = opened.clock()
    with opened.state.read() as connection:
        found = store.list_jobs(connection, exporter.organization_id, limit=limit + 1)
        others = store.open_jobs(connection)
    shown = [answer_of(job, others, now).as_json() for job in found[:limit]]
    return JSONResponse({"exports": shown, "more": len(found) > limit})


def _show(request: Request, opened: Installation, exporter: Exporter) -> Response:
    with opened.state.read() as connection:
        job = _found(connection, request, exporter)
        if job is None:
            return not_found(UNKNOWN, UNKNOWN_HINT)
        others = store.open_jobs(connection)
    return JSONResponse(answer_of(job, others, opened.clock()).as_json())


def _download(request: Request, opened: Installation, exporter: Exporter) -> Response:
    with opened.state.read() as connection:
        job = _found(connection, request, exporter)
    if job is None:
        return not_found(UNKNOWN, UNKNOWN_HINT)
    if job.holds_secrets and not exporter.may_reveal:
        return _without_reveal(request, opened, exporter)
    path = opened.exports.files.path(job.id)
    if job.state is not JobState.DONE or not path.is_file():
        return not_found(
            f"The export has no file: it is {job.state.label.lower()}."
            if job.state is not JobState.DONE
            else "The file of the export is gone.",
            "Wait until it is complete." if job.state.is_open else "Have it made again.",
        )
    etag, size = f'"{job.sha256}"', path.stat().st_size
    headers = {**attachment(job.file or job.id), "etag": etag}
    if etag in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    try:
        asked = request.headers.get("range")
        part = read_range(asked, request.headers.get("if-range"), etag=etag, size=size)
    except UnsatisfiableRange:
        return refusal(
            ErrorCode.RANGE_NOT_SATISFIABLE,
            f"The file has {size:,} bytes, and the part that is asked for begins behind them.",
            "Ask for a part of it, or leave Range out.",
            headers={"content-range": f"bytes */{size}"},
        )
    media_type, head = job.request.kind.media_type, request.method == HEAD
    answer = file_response(
        path, size=size, part=part, headers=headers, media_type=media_type, head=head
    )
    if not head:
        with opened.state.begin() as connection:
            deeds.note_download(
                connection,
                job,
                actor=exporter.name,
                now=opened.clock(),
                address=address_of(request),
                part=None if part is None else part.content_range,
            )
    return answer


def _cancel(request: Request, opened: Installation, exporter: Exporter) -> Response:
    now = opened.clock()
    with opened.state.begin() as connection:
        job = _found(connection, request, exporter)
        if job is None:
            return not_found(UNKNOWN, UNKNOWN_HINT)
        deeds.cancel(connection, job, actor=exporter.name, now=now, address=address_of(request))
        changed, others = _found(connection, request, exporter), store.open_jobs(connection)
    return JSONResponse(answer_of(changed or job, others, now).as_json())


def _delete(request: Request, opened: Installation, exporter: Exporter) -> Response:
    with opened.state.begin() as connection:
        job = _found(connection, request, exporter)
        if job is None:
            return not_found(UNKNOWN, UNKNOWN_HINT)
        deeds.delete_job(
            connection, job, actor=exporter.name, now=opened.clock(), address=address_of(request)
        )
    opened.exports.files.remove(job.id)
    return Response(status_code=204)


def _found(connection: Connection, request: Request, exporter: Exporter) -> ExportJob | None:
    return store.find_job(connection, request.path_params["id"], exporter.organization_id)


def _without_reveal(request: Request, opened: Installation, exporter: Exporter) -> Response:
    with opened.state.begin() as connection:
        record(
            connection,
            at=opened.clock(),
            verb="permission.refused",
            actor=exporter.name,
            organization_id=exporter.organization_id,
            address=address_of(request),
            detail={"permission": Permission.REVEAL.value, "by": "http"},
        )
    return forbidden(
        Permission.REVEAL.value,
        "The export holds secrets unredacted.",
        "Ask for it redacted, or ask an admin of the organization for the permission.",
    )
