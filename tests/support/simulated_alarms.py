"""What rules find in the simulator's log: its planted incidents, and what is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from audit_core.detect.alerts.would_be import joined
from audit_core.detect.findings_sql import FoundRow, findings
from audit_core.detect.rules.examples import BEGINNING, Example
from audit_core.detect.rules.rule import Rule
from audit_core.domain.access import Scope
from audit_core.domain.alerts.level import Level
from audit_core.domain.entries import AuditEntry
from audit_core.log.store import AuditLog
from audit_core.simulator import simulate_with_truth

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAYS = 90
AT_ONCE = 20_000
EVERYTHING = datetime(2020, 1, 1, tzinfo=UTC)

FOUND_BY: Mapping[str, frozenset[str]] = {
    "departed_member": frozenset({"acts-after-removal"}),
    "stolen_key": frozenset(
        {
            "many-sandboxes-entered",
            "dangerous-command",
            "secrets-read-by-command",
            "key-from-new-address",
            "person-from-new-address",
        }
    ),
    "brief_admin": frozenset(
        {
            "newcomer-made-owner",
            "short-membership",
            "key-with-all-rights",
            "person-from-new-address",
        }
    ),
    "mass_delete": frozenset({"mass-deletion"}),
    "forbidden_burst": frozenset({"refusals"}),
    "outage": frozenset({"server-errors-above-usual"}),
}
"""The rules that are meant for each incident, by the names of their files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulated log, and where its incidents are."""

    log: AuditLog
    entries: int
    organizations: tuple[str, ...]
    incidents: Mapping[str, Sequence[tuple[str, datetime]]]
    """The organization and the time of each entry of an incident, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """What one rule would have told."""

    incidents: Mapping[str, int]
    """How many findings have an entry of each incident."""
    others: int
    """How many alerts have none: findings of one group that follow each other closely are one."""


def simulated(log: AuditLog, *, entries: int, seed: int) -> Simulated:
    """Fill an empty log with the simulator's entries."""
    arrivals, truth = simulate_with_truth(entries=entries, seed=seed, until=UNTIL, days=DAYS)
    last = list({arrival.entry.id: arrival.entry for arrival in arrivals}.values())
    for start in range(0, len(last), AT_ONCE):
        log.append(last[start : start + AT_ONCE])
    by_id = {entry.id: entry for entry in last}
    return Simulated(
        log=log,
        entries=len(last),
        organizations=tuple(sorted({one.organization_id for one in last if one.organization_id})),
        incidents={
            name: [place_of(by_id[id_]) for id_ in incident.entry_ids if id_ in by_id]
            for name, incident in truth.incidents.items()
        },
    )


def place_of(entry: AuditEntry) -> tuple[str, datetime]:
    return entry.organization_id or "", entry.created_at


def alarms_of(held: Simulated, rule: Rule) -> Alarms:
    """What a rule finds in the whole log, as of its end."""
    incidents: Counter[str] = Counter()
    others = 0
    for organization_id in held.organizations:
        beside = []
        for row in found_rows(held.log, rule, organization_id):
            names = [
                name
                for name, places in held.incidents.items()
                if touches(row, organization_id, places)
            ]
            incidents.update(names)
            if not names:
                beside.append(row)
        others += len(joined(beside, len(rule.groups)))
    return Alarms(incidents=dict(incidents), others=others)


def is_alarm(rule: Rule) -> bool:
    """Whether what a rule finds is an alert that a person is called for."""
    return rule.level is not Level.INFORMATIONAL


def found_rows(log: AuditLog, rule: Rule, organization_id: str) -> Sequence[FoundRow]:
    scope = Scope(organization_id=organization_id)
    now = UNTIL + timedelta(days=30)
    statement = findings(rule, scope, since=EVERYTHING, until=now, now=now)
    return log.fetch_rows(statement, scope, FoundRow, limit=1_000_000).items


def touches(row: FoundRow, organization_id: str, places: Sequence[tuple[str, datetime]]) -> bool:
    first, last = row.first.replace(tzinfo=UTC), row.last.replace(tzinfo=UTC)
    return any(one == organization_id and first <= at <= last for one, at in places)


def planted(example: Example, organization_id: str, name: str, day: float) -> list[AuditEntry]:
    """The entries of an example as if they had happened in an organization, `day` days before the
    end of the simulation, by people and on things of their own."""
    shift = UNTIL - timedelta(days=day) - BEGINNING

    def own(text: str | None) -> str | None:
        return text and f"{name}-{text}"

    return [
        replace(
            entry,
            id=f"{name}-{entry.id}",
            organization_id=organization_id,
            created_at=entry.created_at + shift,
            actor_id=f"{name}-{entry.actor_id}",
            actor_email=f"{name}-{entry.actor_email}",
            actor_api_key_prefix=own(entry.actor_api_key_prefix),
            target_id=own(entry.target_id),
        )
        for entry in example.entries
    ]
