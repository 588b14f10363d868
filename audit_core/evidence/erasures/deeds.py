"""What admins do about erasing a person's data: ask for it, confirm, refuse or withdraw it. Each
deed is put on record in its transaction, without the name of the person."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert

from audit_core.domain.erasure import Subject
from audit_core.domain.errors import AccountError
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.erasure import OPEN, Erasure, Stage, digits_of
from audit_core.evidence.erasures.identities import Identities
from audit_core.identity.administration import Administrator, require_admin
from audit_core.state.erasures.tables import erasure
from audit_core.state.secrets import new_id

MAX_OPEN = 10_000
"""How many erasures of one organization may wait or be under way."""
MAX_IDENTITIES = 1_000
"""How many ids and addresses one person may have."""
MAX_REASON = 2_000
"""Characters of a reason."""


def ask(
    connection: Connection,
    by: Administrator,
    identities: Identities,
    *,
    subject: Subject,
    reason: str,
) -> Erasure:
    """Ask for a person's data to be erased; another admin has to confirm it.

    Whether a legal hold keeps what is to be erased is looked at before, see
    `tools.ErasureTools`. Raises `AccountError` where `by` may not, without a reason, where it was
    asked for already, and beyond `MAX_OPEN`.
    """
    organization_id = subject.organization_id
    require_admin(connection, by, organization_id)
    said = _reason(reason)
    _require_erasable(subject)
    digests = identities.digests(subject)
    if store.matching(connection, organization_id, digests, stages=OPEN):
        raise AccountError(
            "It was already asked for that this person is erased.",
            "See the list of erasures: it waits for a confirmation there, or is under way.",
        )
    if store.open_count(connection, organization_id) >= MAX_OPEN:
        raise AccountError(
            f"The organization has {MAX_OPEN:,} erasures that are not over.",
            "Confirm or refuse those that wait.",
        )
    values: dict[str, Any] = {
        "id": new_id(),
        "organization_id": organization_id,
        "stage": Stage.ASKED.value,
        "subject": identities.sealed(subject),
        "reason": said,
        "asked_by": by.actor,
        "asked_by_account": by.account_id,
        "asked_at": by.now,
    }
    connection.execute(insert(erasure).values(values))
    store.set_digests(connection, values["id"], digests)
    asked = _found(connection, values["id"], organization_id)
    _note(connection, by, asked, "erasure.asked", reason=said)
    return asked


def confirm(
    connection: Connection,
    by: Administrator,
    identities: Identities,
    *,
    organization_id: str,
    erasure_id: str,
    typed: str,
) -> Erasure:
    """Confirm what another admin asked for: the app erases it from now on.

    `typed` is what the confirming admin typed: one of the ids or addresses. Raises `AccountError`
    where `by` may not, for who asked themselves or is the one to be erased, for something else
    typed, and for one that does not wait any more.
    """
    require_admin(connection, by, organization_id)
    found = _waiting(connection, erasure_id, organization_id)
    _require_another(by, found)
    subject = identities.opened(found.subject or "")
    _require_not_themselves(by, subject)
    if not names(subject, typed):
        raise AccountError(
            "What was typed is not an address or id of the person whose data is to be erased.",
            "Type one of those that stand there, in full.",
        )
    confirmed = store.change(
        connection,
        found,
        stage=Stage.CONFIRMED.value,
        confirmed_by=by.actor,
        confirmed_at=by.now,
    )
    _note(connection, by, confirmed, "erasure.confirmed")
    return confirmed


def withdraw(
    connection: Connection, by: Administrator, *, organization_id: str, erasure_id: str
) -> Erasure:
    """Take back what `by` asked for, before it is confirmed. Raises `AccountError`."""
    require_admin(connection, by, organization_id)
    found = _waiting(connection, erasure_id, organization_id)
    if found.asked_by_account != by.account_id:
        raise AccountError(
            "Somebody else asked for this erasure.", "Refuse it, with a reason, if it is wrong."
        )
    closed = _closed(connection, by, found, Stage.WITHDRAWN, None)
    _note(connection, by, closed, "erasure.withdrawn")
    return closed


def refuse(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    erasure_id: str,
    reason: str,
) -> Erasure:
    """Refuse what another admin asked for, with a reason. Raises `AccountError`."""
    require_admin(connection, by, organization_id)
    found = _waiting(connection, erasure_id, organization_id)
    said = _reason(reason)
    if found.asked_by_account == by.account_id:
        raise AccountError("You asked for this erasure yourself.", "Withdraw it.")
    closed = _closed(connection, by, found, Stage.REFUSED, said)
    _note(connection, by, closed, "erasure.refused", reason=said)
    return closed


def names(subject: Subject, typed: str) -> bool:
    """Whether a text is one of the ids, or one of the addresses in any spelling."""
    text = typed.strip()
    return text in subject.actor_ids or subject.has_address(text)


def _closed(
    connection: Connection,
    by: Administrator,
    found: Erasure,
    stage: Stage,
    reason: str | None,
) -> Erasure:
    """Who it was is not kept: nothing happened to them."""
    store.set_digests(connection, found.id, ())
    return store.change(
        connection,
        found,
        stage=stage.value,
        subject=None,
        closed_by=by.actor,
        closed_at=by.now,
        closing_reason=reason,
    )


def _waiting(connection: Connection, erasure_id: str, organization_id: str) -> Erasure:
    found = store.find_erasure(connection, erasure_id, organization_id)
    if found is None or found.stage is not Stage.ASKED:
        raise AccountError(
            "There is no erasure with this id that waits for a confirmation.",
            "Reload the page: another admin may have confirmed or refused it.",
        )
    return found


def _require_another(by: Administrator, found: Erasure) -> None:
    if by.account_id == found.asked_by_account:
        raise AccountError(
            "An erasure is confirmed by another admin than the one who asked for it.",
            "Ask another admin of the organization; an admin makes somebody one on Admin → Access."
            if by.account_id is not None
            else "An admin confirms it on Evidence → Erasure: it was asked for here.",
        )


def _require_not_themselves(by: Administrator, subject: Subject) -> None:
    if by.account_id is not None and names(subject, by.actor):
        raise AccountError(
            "You cannot confirm that your own data is erased.", "Ask another admin to do it."
        )


def _require_erasable(subject: Subject) -> None:
    number = len(subject.actor_ids) + len(subject.addresses)
    if number > MAX_IDENTITIES:
        raise AccountError(
            f"The person has {number:,} ids and addresses.",
            f"Erase at most {MAX_IDENTITIES:,} at once.",
        )
    for one in sorted(subject.actor_ids):
        if digits_of(one) is not None:
            raise AccountError(
                f"{one} stands for a person whose data was erased already.",
                "Give an e-mail address or the id of an actor.",
            )


def _reason(reason: str) -> str:
    said = reason.strip()
    if not said:
        raise AccountError(
            "The erasure has no reason.", "Say why, such as the number of the request."
        )
    if len(said) > MAX_REASON:
        raise AccountError(
            f"The reason has {len(said):,} characters.", f"Give one of at most {MAX_REASON:,}."
        )
    return said


def _found(connection: Connection, erasure_id: str, organization_id: str) -> Erasure:
    found = store.find_erasure(connection, erasure_id, organization_id)
    assert found is not None  # noqa: S101 - it was stored just now
    return found


def _note(
    connection: Connection, by: Administrator, found: Erasure, verb: str, **detail: Any
) -> None:
    store.note(
        connection, found, verb, actor=by.actor, now=by.now, address=by.address, detail=detail
    )
