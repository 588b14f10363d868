"""What the routes of exports say of themselves."""

from __future__ import annotations

from audit_core.evidence.jobs.job import KEPT_FOR, MAX_KEPT_FOR
from audit_core.identity.token_verbs import EXPORT
from audit_core.query.entry_filter import EntryFilter
from audit_core.web.errors import ErrorCode
from audit_core.web.openapi.operation import (
    Answer,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.parameters import (
    AS_OF,
    AUDIENCE,
    FILE_CHOICES,
    FILE_TYPES,
    FORMAT,
    SHOWN_ORGANIZATION,
    filter_parameters,
)
from audit_core.web.routes.exporting.answers import Export, ExportList

EXPORTS_PATH = "/api/v1/exports"
ONE_PATH = f"{EXPORTS_PATH}/{{id}}"
FILE_PATH = f"{ONE_PATH}/file"
CANCEL_PATH = f"{ONE_PATH}/cancel"
REPEAT_PATH = f"{ONE_PATH}/repeat"

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
"""How many exports are listed."""
_HOURS = f"{KEPT_FOR.total_seconds() / 3600:.0f}"
MAX_HOURS = round(MAX_KEPT_FOR.total_seconds() / 3600)

_CALLERS = (Caller.PERSON, Caller.PROGRAM)
_ID = Parameter(name="id", description="The id of the export.", in_path=True)
_ONE = {200: Answer(description="The export.", kinds=(Export,))}
_UNKNOWN = (ErrorCode.NOT_FOUND, ErrorCode.TOO_MANY_REQUESTS)

CREATE = Operation(
    id="createExport",
    summary="Have an export made",
    description="It is made in the background and kept as a file: ask for it until its `state` is "
    "`done`, then take the file. How many are made at once is limited; the others wait.",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    method="POST",
    parameters=(
        *filter_parameters(EntryFilter),
        FORMAT,
        AUDIENCE,
        *FILE_CHOICES,
        Parameter(
            name="secrets",
            description="`1` for secrets unredacted, which needs `reveal:secrets`, as does taking "
            "the file.",
        ),
        Parameter(
            name="hours",
            description=f"How long the file is kept: from 1 to {MAX_HOURS} hours; {_HOURS} if none "
            "is given.",
            kind=int,
        ),
        Parameter(
            name="view",
            description="The id of the view after which the file is called, if it asks the same.",
        ),
        AS_OF,
        SHOWN_ORGANIZATION,
    ),
    answers={202: Answer(description="It is in line.", kinds=(Export,))},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.OTHER_ORGANIZATION, ErrorCode.TOO_MANY_REQUESTS),
)
LIST = Operation(
    id="listExports",
    summary="The exports of the organization",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    parameters=(
        Parameter(
            name="limit",
            description=f"How many, at most {MAX_LIMIT}; {DEFAULT_LIMIT} if none.",
            kind=int,
        ),
    ),
    answers={200: Answer(description="The newest exports.", kinds=(ExportList,))},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.TOO_MANY_REQUESTS),
)
SHOW = Operation(
    id="getExport",
    summary="How far an export is",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    parameters=(_ID,),
    answers=_ONE,
    errors=_UNKNOWN,
)
DOWNLOAD = Operation(
    id="downloadExport",
    summary="The file of a complete export",
    description="With `Range`, `If-Range` and an `ETag`, so that a transfer that broke off goes on "
    "where it was. Each request is on record. 404 until it is complete, and once it has expired.",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    parameters=(_ID,),
    answers={
        200: Answer(description="The file.", media_types=FILE_TYPES),
        206: Answer(
            description="The part that `Range` asks for.",
            media_types=FILE_TYPES,
        ),
        304: Answer(description="It is the one of `If-None-Match`.", media_types=()),
    },
    errors=(*_UNKNOWN, ErrorCode.RANGE_NOT_SATISFIABLE),
)
CANCEL = Operation(
    id="cancelExport",
    summary="Let an export end that runs or waits",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    method="POST",
    parameters=(_ID,),
    answers=_ONE,
    errors=(*_UNKNOWN, ErrorCode.INVALID_REQUEST),
)
REPEAT = Operation(
    id="repeatExport",
    summary="Have the same made once more",
    description="Of the log as it is now. With `since` only what came to the same window since "
    "then: new entries, those that arrived late, and those finished since; `changes` "
    "then counts them, and what has vanished.",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    method="POST",
    parameters=(
        _ID,
        Parameter(name="since", description="`1` for only what came since."),
    ),
    answers={202: Answer(description="It is in line.", kinds=(Export,))},
    errors=(*_UNKNOWN, ErrorCode.INVALID_REQUEST),
)
DELETE = Operation(
    id="deleteExport",
    summary="Remove an export and its file",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    method="DELETE",
    parameters=(_ID,),
    answers={204: Answer(description="It is gone.", media_types=())},
    errors=(*_UNKNOWN, ErrorCode.INVALID_REQUEST),
)
