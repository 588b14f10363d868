"""GET /api/v1/access-review: an access review as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.access_review.document import render
from audit_core.evidence.access_review.download import file_name, pieces
from audit_core.evidence.download import FileKind, Format, Progress
from audit_core.evidence.report.frame import MEDIA_TYPE
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.runtime.version import product_version
from audit_core.web.errors import ErrorCode, not_found
from audit_core.web.openapi.operation import (
    Answer,
    ApiRoute,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.parameters import AUDIENCE, FORMAT, SHOWN_ORGANIZATION
from audit_core.web.routes.attachment import (
    attachment,
    noting,
    read_kind,
    refuse_head,
    refuse_other_organization,
)
from audit_core.web.routes.reading.parameters import one_of
from audit_core.web.security.identity import address_of, require
from audit_core.workspace.access_reviews.review import Review, ReviewItem
from audit_core.workspace.access_reviews.store import find_review, list_items

ACCESS_REVIEW_PATH = "/api/v1/access-review"

OPERATION = Operation(
    id="getAccessReview",
    summary="An access review as a file",
    description="All lines, with what was used and what was decided. The JSON lines of a review "
    "that is signed off are what was signed, to the byte. The download is on record.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.MANAGE,
    parameters=(
        Parameter(name="review", description="The id of the review.", required=True),
        FORMAT,
        AUDIENCE,
        Parameter(
            name="printable", description="`1` for an HTML file to be printed, of all lines."
        ),
        SHOWN_ORGANIZATION,
    ),
    answers={
        200: Answer(
            description="The file.",
            media_types=(*(item.media_type for item in Format), MEDIA_TYPE),
        )
    },
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.NOT_FOUND, ErrorCode.OTHER_ORGANIZATION),
)


def access_review_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`ACCESS_REVIEW_PATH` takes `review`, `format`, `for`, `printable` and `organization`.

    200 with the file, which is on record before it goes out; 401; 403 for who does not manage
    access; 404 for a review that is not there or is another organization's; 409 where another
    organization than the one of the page is selected by now.
    """

    async def access_review(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        found = await require(request, installation, Permission.MANAGE)
        if isinstance(found, Response):
            return found
        params = parse_qs(request.url.query, keep_blank_values=True)
        problems: list[str] = []
        kind = read_kind(params, problems)
        printable = one_of(params, "printable", "0", ("0", "1"), problems) == "1"
        if problems:
            raise FilterError(tuple(problems))
        viewer, scope = found
        shown = params.get("organization", [None])[0]
        if refusal := refuse_other_organization(shown, scope.organization_id):
            return refusal
        review_id = params.get("review", [""])[0]
        return await run_in_threadpool(
            _answer,
            installation(),
            viewer,
            scope,
            review_id,
            None if printable else kind,
            address_of(request),
        )

    return ApiRoute(ACCESS_REVIEW_PATH, access_review, OPERATION)


def _answer(
    opened: Installation,
    viewer: Viewer,
    scope: Scope,
    review_id: str,
    kind: FileKind | None,
    address: str | None,
) -> Response:
    """`kind` is `None` for the one to be printed."""
    with opened.state.read() as connection:
        review = find_review(connection, scope.organization_id or "", review_id)
        items = () if review is None else list_items(connection, review)
    if review is None:
        return not_found(
            "There is no such access review in your present organization.",
            "Open the list of reviews again, and download from there.",
        )
    if kind is None:
        return _printable(opened, viewer, scope, review, items, address)
    progress = Progress()
    content = b"".join(progress.measured(pieces(review, items, kind)))
    membership = viewer.membership
    name = file_name(membership.organization_name if membership else "", review, kind)
    # Where this cannot be put on record, no file goes out.
    detail = {"file": name, "review": review.id, "period": review.period, **kind.detail()}
    note = noting(opened, viewer, scope.organization_id, address, detail)
    note("access_review.downloaded", progress.detail(whole=True))
    return Response(content, media_type=kind.format.media_type, headers=attachment(name))


def _printable(
    opened: Installation,
    viewer: Viewer,
    scope: Scope,
    review: Review,
    items: Sequence[ReviewItem],
    address: str | None,
) -> Response:
    membership = viewer.membership
    document = render(
        review,
        items,
        organization=membership.organization_name if membership else "",
        made_by=viewer.email,
        made_at=opened.clock().replace(microsecond=0),
        version=product_version(),
    )
    # Where this cannot be put on record, no file goes out.
    detail = {"file": document.name, "review": review.id, "period": review.period}
    note = noting(opened, viewer, scope.organization_id, address, detail)
    known = {"bytes": len(document.content), "sha256": document.sha256}
    note("access_review.downloaded", {**known, "fingerprint": document.fingerprint})
    return Response(document.content, media_type=MEDIA_TYPE, headers=attachment(document.name))
