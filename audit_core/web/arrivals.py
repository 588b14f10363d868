"""What the routes that take entries have in common: storing what was read, and putting it on
record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit_core.domain.rejections import Rejection
from audit_core.identity.api_tokens import Token, note_token_arrival
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.ingest.records.batches import Batch
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of
from audit_core.state.access_log.record import record
from audit_core.state.rejections import keep_rejections

MAX_BYTES = 10_000_000
"""The bytes of one request, packed and unpacked."""
MAX_ENTRIES = 10_000
"""The records of one request."""
MAX_OTHER_LINES = 100_000
"""The lines of one request that are no audit entries: 10 MB of what programs log hold fewer, and
each costs a look."""


def note(
    installation: Installation,
    token: Token,
    address: str | None,
    verb: str,
    detail: dict[str, Any],
) -> None:
    """Put a request that was refused on record, joined with those that are alike."""
    attempts_of(installation.state).note(
        at=installation.clock(),
        verb=verb,
        actor=token.name,
        organization_id=token.organization_id,
        address=address,
        detail=detail,
    )


def store(
    installation: Installation,
    token: Token,
    batches: Iterable[Batch],
    address: str | None,
    *,
    origin: str,
) -> tuple[IngestReport, list[Rejection]]:
    """Store what a request holds, in the token's organization, and put it on record. Returns after
    the commit.

    `origin` says, with the token's name, where the rejections come from. Raises what
    `append_table` raises; then nothing is acknowledged.
    """
    rejected: list[Rejection] = []
    report = ingest(
        batches,
        append=installation.log.append_table,
        keep=rejected.extend,
        organization_id=token.organization_id,
    )
    with installation.state.begin() as connection:
        if report.accepted or report.finished:
            note_token_arrival(connection, token.id, installation.clock())
        keep_rejections(
            connection,
            rejections=rejected,
            organization_id=token.organization_id,
            origin=f"{origin}: {token.name}",
            now=installation.clock(),
        )
        record(
            connection,
            at=installation.clock(),
            verb="ingest",
            actor=token.name,
            organization_id=token.organization_id,
            address=address,
            detail=report.detail(),
        )
    return report, rejected
