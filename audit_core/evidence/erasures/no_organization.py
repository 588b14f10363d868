"""Erases people from entries of no organization, such as sign-ins and linked accounts, once nothing
else of this log needs them there. What is done here shows on no erasure: an organization's admins
would learn from it what their people do in other organizations."""

from __future__ import annotations

from dataclasses import replace

from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.erasure import Erasure
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.state.access_log.record import record

NO_ORGANIZATION = ""
"""How it is stored with entries."""


def erase_of_no_organization(tools: ErasureTools, found: Erasure, subject: Subject) -> int:
    """Erase a person of an organization, whose entries there were erased, from entries of no
    organization that were made up to the confirmation; how many were changed.

    None as long as another organization has entries of the person: the last of their erasures
    takes them along. Nor for somebody who had no entries in the organization: its admins have no
    say over strangers. Raises `AuditError`.
    """
    digests = tools.identities.digests(subject)
    with tools.state.read() as connection:
        erasures = store.matching(connection, subject.organization_id, digests)
    pseudonyms = {one.pseudonym for several in erasures.values() for one in several}
    if not tools.log.erasing.only_here(subject, pseudonyms):
        return 0
    theirs = replace(subject, organization_id=NO_ORGANIZATION)
    erased = tools.log.erasing.erase(theirs, pseudonym=found.pseudonym, until=found.confirmed_at)
    tools.log.erasing.destroy_keys(theirs)
    changed = erased.own + erased.mentions
    if changed:
        with tools.state.begin() as connection:
            record(
                connection,
                at=tools.clock(),
                verb="erasure.no_organization",
                actor=store.BY_ITSELF,
                detail={"erasure": found.pseudonym, "entries": changed},
            )
    return changed
