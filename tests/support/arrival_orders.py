"""Orders in which entries may come, and a process that ends between any two steps of a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching import looking, looking_together
from audit_core.detect.watching.ledger import read_findings
from audit_core.detect.watching.looking import Look
from audit_core.detect.watching.looking_together import look_at_all
from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import AuditError
from audit_core.log.store import AuditLog
from audit_core.state.database import State
from tests.support.plain_detection import Finding

STEPS = (
    (looking, "_changes"),
    (looking, "move_watermark"),
    (looking, "keep_changes"),
    (looking, "keep_alerts"),
    (looking_together, "glance_at"),
    (looking_together, "move_revisions"),
)
"""What a look does one after the other."""


class Killed(Exception):
    """Stands for the end of the process."""


def arrivals_of(chance: Random, entries: Sequence[AuditEntry]) -> Iterator[AuditEntry]:
    """The entries as they come: in any order, some twice, some unfinished first, some of those
    twice as well, and some late."""
    arrivals = []
    for entry in entries:
        place = chance.random()
        if chance.random() < 0.3 and entry.status_code not in (None, 0):
            arrivals.append((place * chance.random(), unfinished(chance, entry)))
        arrivals.append((place, entry))
        if chance.random() < 0.2:
            arrivals.append((chance.random(), entry))
    known = set()
    for entry in (entry for _, entry in sorted(arrivals, key=lambda one: one[0])):
        # Once finished an entry stays as it is.
        if entry.id not in known:
            yield entry
        if entry.status_code not in (None, 0):
            known.add(entry.id)


def unfinished(chance: Random, entry: AuditEntry) -> AuditEntry:
    """An entry as it is before it is finished."""
    return replace(entry, status_code=chance.choice((None, 0)), error_message=None)


@contextmanager
def killed_at(chance: Random, step: tuple[Any, str] | None) -> Iterator[None]:
    """The process ends within this, before or behind a step, if that comes; `None`: it does not."""
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        if step is not None:
            patch.setattr(*step, _ended(getattr(*step), after=chance.random() < 0.5))
        yield


def _ended(whole: Any, *, after: bool) -> Any:
    def ended(*values: Any, **more: Any) -> None:
        if after:
            whole(*values, **more)
        raise Killed

    return ended


def looks(
    log: AuditLog, state: State, rules: Sequence[Rule], organization_id: str, now: datetime
) -> list[Look | None]:
    """A look of each rule, none of which may fail."""
    looked = []
    for _, one in look_at_all(log, state, rules, organization_id, now=now):
        if isinstance(one, AuditError):
            raise one
        looked.append(one)
    return looked


def look_to_the_end(
    log: AuditLog, state: State, rules: Sequence[Rule], organization_id: str, now: datetime
) -> datetime:
    """Look until nothing is new, and once more when all that may be missing is; returns when."""
    while any(one and one.behind for one in looks(log, state, rules, organization_id, now)):
        pass
    later = now + looking.MISSED_AFTER + timedelta(seconds=1)
    looks(log, state, rules, organization_id, later)
    return later


def kept(state: State, rule: Rule, organization_id: str) -> set[Finding]:
    """What the state holds of a rule, as `plain_detection.findings` tells it."""
    with state.read() as connection:
        found = read_findings(connection, organization_id, rule.id)
    return {
        (group, hour, one.count, one.first_at, one.last_at) for (group, hour), one in found.items()
    }
