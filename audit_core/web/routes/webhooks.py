"""POST /api/v1/webhooks/daytona/{endpoint}: state changes that Daytona sends by itself.

The endpoint is part of the path, so that its one secret is looked up: to try every secret would
cost more the more there are, for whoever asks, and would tell by its time how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.rejections import Rejection
from audit_core.domain.state_changes import StateChange
from audit_core.installation.opened import Installation
from audit_core.sources.sealed_key import unseal
from audit_core.sources.webhooks.endpoint import Endpoint, find_endpoint, is_due, note_received
from audit_core.sources.webhooks.messages import Ignored, Unreadable, read_message
from audit_core.sources.webhooks.signature import (
    SignedHeaders,
    key_of,
    signed_headers,
    verifies,
)
from audit_core.state.access_log.attempts import attempts_of
from audit_core.state.rejections import keep_rejections
from audit_core.web.addresses import DAYTONA_WEBHOOK_PATH
from audit_core.web.errors import ErrorCode, refusal
from audit_core.web.limits.body_limit import BodyTooLarge, read_body
from audit_core.web.limits.rate_limit import SPAN, Pace
from audit_core.web.openapi.operation import (
    JSON,
    Answer,
    ApiRoute,
    Body,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.security.identity import address_of

MAX_BYTES = 1_000_000
"""Of a body; Svix sends no more, and Daytona's messages have some 300."""
MAX_OF_ADDRESS, MAX_OF_ENDPOINT = 1_000, 2_000
"""How many messages of an address are looked at, and how many signed ones of an endpoint are
taken, in `SPAN`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a message. Sending one again that was not stored would change nothing."""

    stored: int
    """1, or 0 for one of the following."""
    known: int | None = None
    """1 if it was sent before."""
    ignored: str | None = None
    """The event, if it is about nothing that is kept."""
    rejected: str | None = None
    """The reason, if it cannot be read; it is listed among the rejected records."""


OPERATION = Operation(
    id="sendWebhook",
    summary="State changes that Daytona sends by itself",
    description=f"One message of at most {MAX_BYTES:,} bytes, signed; answered after the commit.",
    section=Section.SEND,
    method="POST",
    callers=(Caller.DAYTONA,),
    parameters=(Parameter(name="endpoint", description="The id of the webhook.", in_path=True),),
    body=Body(description="The message.", media_types=(JSON,)),
    answers={200: Answer(description="What became of the message.", kinds=(Taken,))},
    errors=(
        ErrorCode.FOREIGN_ORGANIZATION,
        ErrorCode.NOT_FOUND,
        ErrorCode.TOO_LARGE,
        ErrorCode.TOO_MANY_REQUESTS,
    ),
)


def webhooks_route(installation: Callable[[], Installation]) -> ApiRoute:
    """Takes one message, and answers after the commit.

    200 `{"stored": 1}`, or `{"stored": 0}` with `known` for one that was sent before, `ignored`
    for one about nothing that is kept, or `rejected` with the reason for one that cannot be read
    and was kept as a rejection: to send these again would change nothing, and Svix sends again
    whatever is not answered with 2xx. 401 without a valid signature, 403 for another organization,
    404 for an unknown endpoint, 413 past `MAX_BYTES`, 429 for too many.
    """
    of_address, of_endpoint = Pace(MAX_OF_ADDRESS), Pace(MAX_OF_ENDPOINT)

    async def receive(request: Request) -> Response:
        opened = await run_in_threadpool(installation)
        address = address_of(request)
        if not of_address.allows(address or "", opened.clock()):
            return _refused(opened, None, address, ErrorCode.TOO_MANY_REQUESTS)
        endpoint_id = request.path_params["endpoint"]
        endpoint = await run_in_threadpool(_endpoint, opened, endpoint_id)
        if endpoint is None:
            return _refused(opened, None, address, ErrorCode.NOT_FOUND)
        try:
            body = await read_body(request, max_bytes=MAX_BYTES)
        except BodyTooLarge:
            return _refused(opened, endpoint, address, ErrorCode.TOO_LARGE)
        # Svix repeats no header; of what somebody else repeats the first is taken.
        signed = signed_headers(dict(reversed(request.headers.items())))
        key = key_of(unseal(endpoint.sealed_secret, opened.key))
        if signed is None or not verifies(key, signed, body, opened.clock()):
            return _refused(opened, endpoint, address, ErrorCode.UNAUTHORIZED)
        if not of_endpoint.allows(endpoint.id, opened.clock()):
            return _refused(opened, endpoint, address, ErrorCode.TOO_MANY_REQUESTS)
        return await run_in_threadpool(_take, opened, endpoint, signed, body, address)

    return ApiRoute(f"{DAYTONA_WEBHOOK_PATH}/{{endpoint}}", receive, OPERATION)


def _endpoint(opened: Installation, endpoint_id: str) -> Endpoint | None:
    with opened.state.read() as connection:
        return find_endpoint(connection, endpoint_id)


def _take(
    opened: Installation,
    endpoint: Endpoint,
    signed: SignedHeaders,
    body: bytes,
    address: str | None,
) -> Response:
    """Keep what a message whose sender is known tells."""
    message = read_message(body, message_id=signed.id, organization_id=endpoint.organization_id)
    content = message.content
    foreign = message.organization_id != endpoint.daytona_organization_id
    if foreign and (message.organization_id is not None or isinstance(content, StateChange)):
        return _refused(opened, endpoint, address, ErrorCode.FOREIGN_ORGANIZATION)
    answer: dict[str, object] = {"stored": 0}
    if isinstance(content, StateChange):
        stored = opened.log.state_changes.append([content])
        answer = {"stored": stored} if stored else {"stored": 0, "known": 1}
    elif isinstance(content, Ignored):
        answer["ignored"] = content.event
    elif isinstance(content, Unreadable):
        answer["rejected"] = content.reason
    now = opened.clock()
    due = is_due(endpoint, now)
    if due or isinstance(content, Unreadable):
        with opened.state.begin() as connection:
            if isinstance(content, Unreadable):
                raw = body.decode(errors="replace")
                keep_rejections(
                    connection,
                    rejections=[Rejection(place=signed.id, reason=content.reason, raw=raw)],
                    organization_id=endpoint.organization_id,
                    origin=f"webhook: {endpoint.name}",
                    now=now,
                )
            if due:
                note_received(connection, endpoint, now)
    return JSONResponse(answer)


_SENTENCES = {
    ErrorCode.UNAUTHORIZED: (
        "The message is not signed with the secret of this webhook, or longer ago than 5 minutes.",
        "Check the secret, and the clock of this server.",
    ),
    ErrorCode.FOREIGN_ORGANIZATION: (
        "The message is about another organization than this webhook.",
        "Add a webhook for that organization, with a secret of its own.",
    ),
    ErrorCode.NOT_FOUND: (
        "There is no such webhook.",
        "Copy the address from Admin → Sources.",
    ),
    ErrorCode.TOO_LARGE: (
        f"A message has at most {MAX_BYTES:,} bytes; nothing was stored.",
        "Send less at once.",
    ),
    ErrorCode.TOO_MANY_REQUESTS: (
        "That is more than is taken at once; nothing was stored.",
        "Send it again later.",
    ),
}


def _refused(
    opened: Installation, endpoint: Endpoint | None, address: str | None, code: ErrorCode
) -> Response:
    """The refusal, which is put on record."""
    attempts_of(opened.state).note(
        at=opened.clock(),
        verb="webhook.refused",
        actor=endpoint.name if endpoint else "unknown",
        organization_id=endpoint.organization_id if endpoint else None,
        address=address,
        detail={"reason": code.value},
    )
    too_many = code is ErrorCode.TOO_MANY_REQUESTS
    return refusal(
        code,
        *_SENTENCES[code],
        retry_after_s=int(SPAN.total_seconds()) if too_many else None,
    )
