"""How a source is asked: with its key, and only where its address may lead."""

from __future__ import annotations

from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.sources.daytona.client import ANSWER_S, DaytonaClient
from audit_core.sources.sealed_key import unseal
from audit_core.sources.source import Source


def client_of(
    source: Source,
    installation_key: bytes,
    policy: OutgoingPolicy,
    *,
    answer_s: float = ANSWER_S,
) -> DaytonaClient:
    """Asks the source. `policy` holds for addresses that people gave on a page; an answer may take
    `answer_s`. Raises `AuditError` where the key cannot be read."""
    return DaytonaClient(
        source.url,
        unseal(source.sealed_key, installation_key),
        source.remote_organization_id,
        policy=None if source.any_address else policy,
        answer_s=answer_s,
    )
