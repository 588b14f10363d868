"""Erases once more what comes later, or comes back, of people who were erased: entries that were
made before their erasure was confirmed and arrive, or are finished, after it; and what a backup or
a source brings again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.carrying_out import erase_from_state, erase_own_values, reached
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.evidence.erasures.no_organization import (
    NO_ORGANIZATION,
    erase_of_no_organization,
)
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.log.erasing.erasing import Actor

OVERLAP = 10_000
"""How many writes of a shared log are looked at again: one with a lower number may come to light a
little after one with a higher one."""

ERASED = (Stage.REWRITING, Stage.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What was erased once more."""

    people: int = 0
    entries: int = 0
    """Their own, and those that named them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """One erasure, and who it was by the names that stand in what was written since."""

    found: Erasure
    subject: Subject


def sweep(tools: ErasureTools, *, from_beginning: bool = False, all_of_none: bool = False) -> Again:
    """Look through what was written since the last time, in each organization that has erasures,
    and of no organization; or with `from_beginning` through all, such as after a restore.

    `all_of_none`: through all that is of no organization, which may have stayed until now because
    its people had entries in another organization. Raises `AuditError`.
    """
    now_reached = reached(tools)
    with tools.state.read() as connection:
        positions = {
            one: store.swept(connection, one) for one in store.organizations_with(connection)
        }
    changes: Counter[str] = Counter()
    due: dict[str, store.Swept | None] = {}
    for organization_id, known in positions.items():
        earlier = None if from_beginning else known
        if earlier is not None and earlier.revision == now_reached.revision:
            continue
        due[organization_id] = earlier
        for concerned in concerned_since(tools, organization_id, earlier):
            changes[concerned.found.id] += _erase_again(tools, concerned, earlier)
    # Only now: what was late in any of them would have kept what is of no organization.
    for organization_id in positions if all_of_none else due:
        earlier = None if all_of_none else due[organization_id]
        for one in concerned_since(tools, organization_id, earlier, among=NO_ORGANIZATION):
            changes[one.found.id] += erase_of_no_organization(tools, one.found, one.subject)
    with tools.state.begin() as connection:
        for organization_id in due:
            store.set_swept(connection, organization_id, now_reached)
    return Again(people=len(+changes), entries=changes.total())


def concerned_since(
    tools: ErasureTools,
    organization_id: str,
    earlier: store.Swept | None,
    *,
    among: str | None = None,
) -> list[Concerned]:
    """The erasures of an organization, those confirmed first coming first, of people of whom there
    are entries in what was written since that were made before; `earlier` `None`: in all there is.
    `among`: whose entries are looked through, as stored; `None`: the organization's own."""
    after = 0 if earlier is None else earlier.revision
    if tools.log.shared:
        after = max(0, after - OVERLAP)
    actors = tools.log.erasing.actors(organization_id if among is None else among, after=after)
    ids = tools.identities.of_ids(organization_id, {one.actor_id for one in actors})
    addresses = tools.identities.of_addresses(organization_id, {one.actor_email for one in actors})
    with tools.state.read() as connection:
        matching = store.matching(
            connection, organization_id, {*ids.values(), *addresses.values()}, stages=ERASED
        )
    erasures = {one.id: one for found in matching.values() for one in found}
    joined: list[Concerned] = []
    for found in sorted(erasures.values(), key=lambda one: (one.confirmed_at, one.id)):
        theirs = {digest for digest, several in matching.items() if found in several}
        subject = _subject(
            organization_id,
            _made_before(found, actors),
            {name for name, digest in ids.items() if digest in theirs},
            {name for name, digest in addresses.items() if digest in theirs},
        )
        if subject is not None:
            joined.append(Concerned(found=found, subject=subject))
    return joined


def _made_before(found: Erasure, actors: Sequence[Actor]) -> list[Actor]:
    """Actors with entries that the erasure is about: what came after its confirmation is new."""
    confirmed_at = found.confirmed_at
    assert confirmed_at is not None  # noqa: S101 - only confirmed ones are looked for
    return [one for one in actors if one.first_at <= confirmed_at]


def _subject(
    organization_id: str, actors: Sequence[Actor], ids: set[str], addresses: set[str]
) -> Subject | None:
    """The person by those ids and addresses that these actors have; `None`: they have none."""
    own_ids = ids & {one.actor_id for one in actors}
    own_addresses = addresses & {one.actor_email for one in actors}
    if not own_ids | own_addresses:
        return None
    return Subject(
        organization_id=organization_id,
        actor_ids=frozenset(own_ids),
        addresses=frozenset(own_addresses),
    )


def _erase_again(tools: ErasureTools, concerned: Concerned, earlier: store.Swept | None) -> int:
    """How many entries were changed."""
    found, subject = concerned.found, concerned.subject
    erase_own_values(tools, found, subject)
    erased = tools.log.erasing.erase(subject, pseudonym=found.pseudonym, until=found.confirmed_at)
    changed = erased.own + erased.mentions
    if changed or earlier is None:
        # Exports that began before hold nothing of what came since.
        begun_from = None if earlier is None else earlier.swept_at
        erase_from_state(tools, found, subject, begun_from=begun_from)
    if changed:
        _note_repeated(tools, found, changed)
    return changed


def _note_repeated(tools: ErasureTools, found: Erasure, changed: int) -> None:
    now = tools.clock()
    with tools.state.begin() as connection:
        store.change(
            connection,
            found,
            stage=Stage.REWRITING.value,
            late=found.late + changed,
            done_at=None,
        )
        detail = {"entries": changed}
        store.note(
            connection, found, "erasure.repeated", actor=store.BY_ITSELF, now=now, detail=detail
        )
