"""Rules of an organization, and one that watches from a certain write on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from audit_core.detect.rules.rule import Rule
from audit_core.detect.ruleset.ruleset import read_ruleset
from audit_core.detect.watching.ledger import Watermark, begin_watermark
from audit_core.detect.watching.looking import digest_of
from audit_core.state.database import State


def start_watching(
    state: State, rule: Rule, organization_id: str, *, now: datetime, revision: int
) -> None:
    """Watch what comes after the organization's write `revision`; a rule that watches goes on."""
    with state.begin() as connection:
        mark = Watermark(rule=digest_of(rule), revision=revision, looked_at=now)
        begin_watermark(connection, organization_id, rule.id, mark)


def rules_in_force(connection: Connection, organization_id: str) -> tuple[Rule, ...]:
    """The rules that are on in an organization, by title, as they look at entries."""
    own = read_ruleset(connection, organization_id)
    return tuple(own.in_force(one) for one in own.rules if one.enabled)
