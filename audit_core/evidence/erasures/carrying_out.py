"""Carries one erasure out, in steps of which each may be done again: after a stop at any point it
goes on with what is left."""

from __future__ import annotations

from datetime import datetime

from audit_core.detect.alerts.erasing import OWN_BY_FIELD, OwnValues, erase_from_alerts
from audit_core.domain.entries import COLUMN_OF
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import AuditError
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.evidence.erasures.kept_exports import delete_files
from audit_core.evidence.erasures.kept_texts import erase_rejections, replace_in_filters
from audit_core.evidence.erasures.no_organization import erase_of_no_organization
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.evidence.erasures.words import OUTSIDE
from audit_core.log.erasing.erasing import Erased

COUNTS = ("entries", "mentions", "late", "exports", "rejections", "filters")
"""What is counted of an erasure, by the names of its fields."""


def carry_out(tools: ErasureTools, found: Erasure) -> bool:
    """Erase a person who was confirmed from the log and the state; whether all of it is done: not
    while an export is being made that may hold the person, which is told to end.

    What is in the way is noted with the erasure, and raised: `HeldError` for a legal hold, which
    may have been set since it was confirmed, else an `AuditError`.
    """
    try:
        return _carry_out(tools, found)
    except AuditError as error:
        note_problem(tools, found, f"{error.message} {error.hint}")
        raise


def note_problem(tools: ErasureTools, found: Erasure, problem: str | None) -> None:
    """Keep what is in the way of an erasure, and since when; `None`: nothing is any more."""
    if found.problem == problem:
        return
    at = None if problem is None else found.problem_at or tools.clock()
    with tools.state.begin() as connection:
        store.change(connection, found, problem=problem, problem_at=at)


def _carry_out(tools: ErasureTools, found: Erasure) -> bool:
    subject, until = tools.identities.opened(found.subject or ""), _confirmed_at(found)
    tools.require_not_held(subject, until)
    found = _begin(tools, found)
    erase_own_values(tools, found, subject)
    erased = tools.log.erasing.erase(subject, pseudonym=found.pseudonym, until=until)
    found = _count(tools, found, erased)
    tools.log.erasing.destroy_keys(subject)
    erase_of_no_organization(tools, found, subject)
    if not erase_from_state(tools, found, subject):
        return False
    _end(tools, found)
    return True


def reached(tools: ErasureTools) -> store.Swept:
    """This moment of the log."""
    now = tools.clock()
    return store.Swept(revision=tools.log.head(None), swept_at=now)


def _begin(tools: ErasureTools, found: Erasure) -> Erasure:
    # What is written from now on is looked through later; what was before is erased now.
    now_reached = reached(tools)
    with tools.state.begin() as connection:
        if store.swept(connection, found.organization_id) is None:
            store.set_swept(connection, found.organization_id, now_reached)
        return store.change(
            connection,
            found,
            stage=Stage.ERASING.value,
            started_at=found.started_at or tools.clock(),
            problem=None,
            problem_at=None,
        )


def _count(tools: ErasureTools, found: Erasure, erased: Erased) -> Erasure:
    """Once begun, what an earlier try has erased counts too."""
    if erased == Erased():
        return found
    with tools.state.begin() as connection:
        return store.change(
            connection,
            found,
            entries=found.entries + erased.own,
            mentions=found.mentions + erased.mentions,
        )


def erase_own_values(tools: ErasureTools, found: Erasure, subject: Subject) -> None:
    """Erase from alerts the person's API keys, and IP addresses and user agents that nobody else
    used. Before the entries, which say which they are."""
    erasing = tools.log.erasing
    own = OwnValues(
        keys=erasing.keys_of(subject),
        by_field={name: erasing.own_values(subject, COLUMN_OF[name]) for name in OWN_BY_FIELD},
    )
    if own.texts:
        with tools.state.begin() as connection:
            erase_from_alerts(connection, subject, found.pseudonym, own)


def erase_from_state(
    tools: ErasureTools, found: Erasure, subject: Subject, *, begun_from: datetime | None = None
) -> bool:
    """Erase from the state, and delete the exports whose making has begun (`begun_from`: since
    then); whether none of those is being made any more."""
    with tools.state.begin() as connection:
        rejections = erase_rejections(connection, subject)
        filters = replace_in_filters(connection, subject, found.pseudonym)
        erase_from_alerts(connection, subject, found.pseudonym)
        deleted, going_on = delete_files(
            connection,
            found.organization_id,
            begun_from=begun_from,
            actor=store.BY_ITSELF,
            now=tools.clock(),
        )
        store.change(
            connection,
            found,
            rejections=found.rejections + rejections,
            filters=found.filters + filters,
            exports=found.exports + len(deleted),
        )
    for export_id in deleted:
        tools.files.remove(export_id)
    return not going_on


def _end(tools: ErasureTools, found: Erasure) -> None:
    """Who it was is forgotten with this: digests are left."""
    now = tools.clock()
    with tools.state.begin() as connection:
        ended = store.change(
            connection,
            found,
            stage=Stage.REWRITING.value,
            subject=None,
            erased_at=now,
        )
        counts = {name: getattr(ended, name) for name in COUNTS if getattr(ended, name)}
        detail = {**counts, "outside": list(OUTSIDE)}
        store.note(
            connection, ended, "erasure.erased", actor=store.BY_ITSELF, now=now, detail=detail
        )


def _confirmed_at(found: Erasure) -> datetime:
    assert found.confirmed_at is not None  # noqa: S101 - only confirmed ones are carried out
    return found.confirmed_at
