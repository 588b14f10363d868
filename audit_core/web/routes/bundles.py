"""GET /api/v1/bundle: the support bundle of a failed start, as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.reading import alerts_naming
from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.domain.listing import Listing
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.query.time.windows import parse_instant
from audit_core.starts.reader import StartsReader, silent_rule
from audit_core.starts.support_bundle_reader import BundleReader
from audit_core.starts.traces.trace_reader import TracesReader
from audit_core.web.errors import ErrorCode, not_found
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
from audit_core.web.routes.attachment import attachment, noting, refuse_head
from audit_core.web.security.identity import address_of, require

BUNDLE_PATH = "/api/v1/bundle"
MEDIA_TYPE = "text/markdown"
MAX_ALERTS = 20
"""How many alerts about the sandbox a bundle tells of."""

OPERATION = Operation(
    id="getSupportBundle",
    summary="The support bundle of a failed start",
    description="One Markdown file, always redacted; the download is on record.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.EXPORT,
    parameters=(
        Parameter(name="sandbox", description="The id or the name of the sandbox."),
        Parameter(name="entry", description="The id of the entry of the failed attempt."),
        Parameter(
            name="near",
            description="A time close to the attempt, with an offset; without one the search "
            "takes longer.",
        ),
    ),
    answers={200: Answer(description="The file.", media_types=(MEDIA_TYPE,))},
    errors=(ErrorCode.NOT_FOUND, *READS_THE_LOG),
)


def bundle_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`BUNDLE_PATH` takes `sandbox` (an id or a name), `entry` (the id of the failed attempt's
    entry) and optionally `near` (the time around which the sandbox is looked for).

    200 with the file, which is on record before it goes out; 401; 403 without the permission to
    export; 404 for an attempt that is not there, is not a failed one, or belongs to another
    organization.
    """

    async def bundle(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        found = await require(request, installation, Permission.EXPORT)
        if isinstance(found, Response):
            return found
        viewer, scope = found
        opened = installation()
        return await run_read(
            request,
            opened.log.new_request(person=viewer.account_id),
            lambda: _answer(opened, viewer, scope, request),
        )

    return ApiRoute(BUNDLE_PATH, bundle, OPERATION)


def _answer(opened: Installation, viewer: Viewer, scope: Scope, request: Request) -> Response:
    rule = silent_rule(opened.settings)
    reader = BundleReader(
        starts=StartsReader(opened.log, rule),
        traces=TracesReader(opened.log, rule),
        # Who may export need not be able to read alerts.
        alerts=partial(_alerts, opened, scope)
        if isinstance(decide(viewer.membership, Permission.READ), Allowed)
        else None,
    )
    params = request.query_params
    made = reader.bundle(
        params.get("sandbox", ""),
        scope,
        entry_id=params.get("entry", ""),
        near=_instant(params.get("near")),
        made_at=opened.clock().replace(microsecond=0),
    )
    if made is None:
        return not_found(
            "This failed start is not in the log of your present organization.",
            "Open the sandbox again, and download from there.",
        )
    # Where this cannot be put on record, no file goes out.
    detail = {"entry": made.entry_id, "file": made.file_name}
    note = noting(opened, viewer, scope.organization_id, address_of(request), detail)
    note("support_bundle.downloaded", {})
    return Response(made.text, media_type=MEDIA_TYPE, headers=attachment(made.file_name))


def _alerts(opened: Installation, scope: Scope, sandbox: str) -> Listing[Alert]:
    with opened.state.read() as connection:
        return alerts_naming(connection, scope.organization_id or "", sandbox, limit=MAX_ALERTS)


def _instant(text: str | None) -> datetime | None:
    """The time in a parameter; one that cannot be read only makes the search longer."""
    try:
        return parse_instant(text or "")
    except ValueError:
        return None
