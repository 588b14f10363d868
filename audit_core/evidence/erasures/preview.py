"""What an admin sees before a person's data is erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.erasure import PSEUDONYM, Subject
from audit_core.domain.errors import AccountError
from audit_core.evidence.erasures.kept_exports import files_of
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.evidence.holds.holds import HeldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Who a person is in the log, and what would go with them."""

    subject: Subject
    entries: int
    """Their own."""
    mentions: int
    """Entries of others that name them."""
    first_at: datetime | None
    """When their first entry was made; `None`: they have none."""
    last_at: datetime | None
    exports: int
    """How many exports of the organization are kept, all of which would be deleted."""
    held: str | None
    """Why nothing can be erased now, in words; `None`: no legal hold keeps any of it."""


def preview_of_name(tools: ErasureTools, organization_id: str, name: str) -> Preview:
    """Who is meant by an e-mail address or an actor's id; of nobody known by that name, what others
    say of them. Raises `AccountError` for no name and for a pseudonym, else `AuditError`."""
    text = name.strip()
    if not text or PSEUDONYM.fullmatch(text):
        raise AccountError(
            f"{text} stands for a person whose data was erased already."
            if text
            else "Nobody is named.",
            "Give an e-mail address or the id of an actor.",
        )
    by_address = "@" in text
    found = tools.log.erasing.subject_of(
        organization_id,
        actor_id=None if by_address else text,
        address=text if by_address else None,
    )
    subject = Subject(
        organization_id=organization_id,
        actor_ids=frozenset() if by_address else frozenset({text}),
        addresses=frozenset({text}) if by_address else frozenset(),
    )
    return preview_of(tools, subject if found is None else found.subject)


def preview_of(tools: ErasureTools, subject: Subject) -> Preview:
    """What would go with a person by now. Raises `AuditError`."""
    counted = tools.log.erasing.count_of(subject)
    with tools.state.read() as connection:
        exports = files_of(connection, subject.organization_id)
    held = None
    try:
        tools.require_not_held(subject, tools.clock())
    except HeldError as error:
        held = f"{error.message} {error.hint}"
    return Preview(
        subject=subject,
        entries=counted.entries,
        mentions=counted.mentions,
        first_at=counted.first_at,
        last_at=counted.last_at,
        exports=exports,
        held=held,
    )
