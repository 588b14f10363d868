"""Exports that are made by themselves, over HTTP: which there are, a new one, no more of one."""

from __future__ import annotations

import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.errors import FilterError
from audit_core.evidence.schedules import schedule as schedules
from audit_core.evidence.schedules.slots import Every
from audit_core.installation.opened import Installation
from audit_core.web.errors import not_found
from audit_core.web.openapi.operation import Operation
from audit_core.web.routes.attachment import refuse_other_organization
from audit_core.web.routes.exporting import schedule_operations as said
from audit_core.web.routes.exporting.endpoint import Answered
from audit_core.web.routes.exporting.exporter import Exporter
from audit_core.web.routes.exporting.request import read_request, refuse_unknown
from audit_core.web.routes.exporting.schedule_operations import schedule_answer
from audit_core.web.routes.reading.parameters import one_of, only, read_params
from audit_core.web.security.identity import address_of

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def _list(request: Request, opened: Installation, exporter: Exporter) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), [])
    with opened.state.read() as connection:
        found = schedules.list_schedules(connection, exporter.organization_id)
    return JSONResponse({"schedules": [schedule_answer(one).as_json() for one in found]})


def _create(request: Request, opened: Installation, exporter: Exporter) -> Response:
    now = opened.clock()
    params = read_params(request.scope["query_string"])
    shown = params.pop("organization", [None])[0]
    if refused := refuse_other_organization(shown, exporter.organization_id):
        return refused
    problems: list[str] = []
    name = only(params, "name", problems) or ""
    every = one_of(params, "every", "", tuple(Every), problems)
    if not every:
        problems.append(f"The parameter every is missing; it is one of {', '.join(Every)}.")
    minute = _minute(only(params, "at", problems), problems)
    to_folder = one_of(params, "folder", "0", ("0", "1"), problems) == "1"
    problems += (
        f"The parameter {one} is not for schedules: each holds the day, week or month before."
        for one in said.NOT_GIVEN
        if one in params
    )
    if to_folder and opened.settings.export_folder is None:
        problems.append("No folder is set on this server to which files are handed.")
    if problems:
        raise FilterError(tuple(problems))
    asked = read_request(params, now)
    viewer = exporter.viewer
    with opened.state.begin() as connection:
        added = schedules.add_schedule(
            connection,
            organization_id=exporter.organization_id,
            name=name,
            account_id=None if viewer is None else viewer.account_id,
            token_id=exporter.token_id,
            made_by=exporter.name,
            request=asked,
            every=Every(every),
            minute=minute,
            zone=asked.entry_filter.window.zone,
            to_folder=to_folder,
            now=now,
            address=address_of(request),
        )
    location = opened.settings.base_path + said.SCHEDULE_PATH.format(id=added.id)
    answer = schedule_answer(added).as_json()
    return JSONResponse(answer, status_code=201, headers={"location": location})


def _minute(text: str | None, problems: list[str]) -> int:
    """The minute of the day; a time that is none is added to the problems."""
    found = _TIME.fullmatch(text or "")
    if found is None:
        given = "missing" if text is None else json.dumps(text[:80])
        problems.append(f"The parameter at is {given}; it has to be a time such as 06:30.")
        return 0
    return int(found[1]) * 60 + int(found[2])


def _delete(request: Request, opened: Installation, exporter: Exporter) -> Response:
    with opened.state.begin() as connection:
        found = schedules.find_schedule(
            connection, request.path_params["id"], exporter.organization_id
        )
        if found is None:
            return not_found(
                "There is no such schedule.",
                "It may have been removed. Ask for the list of schedules.",
            )
        schedules.remove_schedule(
            connection,
            found,
            actor=exporter.name,
            now=opened.clock(),
            address=address_of(request),
        )
    return Response(status_code=204)


SCHEDULE_ROUTES: tuple[tuple[str, Operation, Answered], ...] = (
    (said.SCHEDULES_PATH, said.LIST, _list),
    (said.SCHEDULES_PATH, said.CREATE, _create),
    (said.SCHEDULE_PATH, said.DELETE, _delete),
)
"""Path, what it says of itself, and what answers."""
