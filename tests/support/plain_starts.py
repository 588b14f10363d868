"""What the attempts to start are and what became of them, read in plain Python."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from audit_core.domain.entries import AuditEntry
from audit_core.domain.state_changes import StateChange
from audit_core.starts.attempts_sql import SilentRule

STARTING = {"create", "start", "recover"}
SETTLING = {
    *("archive", "auto_archive", "auto_delete", "auto_pause", "auto_stop", "pause"),
    *("spot_evict", "stop", "ttl_expire"),
}
LIFECYCLE = {*STARTING, *SETTLING, "delete"}


@dataclass(frozen=True)
class PlainAttempt:
    entry: AuditEntry
    sandbox: str | None
    by_name: bool
    outcome: str


def name_of(entry: AuditEntry) -> str | None:
    body = json.loads(entry.metadata or "{}").get("body", {})
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) and name else None


def answered_well(entry: AuditEntry) -> bool:
    return 200 <= (entry.status_code or 0) < 300


def shows_use(entry: AuditEntry) -> bool:
    if entry.status_code is not None and entry.status_code >= 400:
        return False
    ssh = ("create_ssh_access", "revoke_ssh_access")
    return entry.action.startswith("toolbox_") or entry.action in ssh


def plain_attempts(
    visible: Iterable[AuditEntry],
    rule: SilentRule,
    *,
    asked: Callable[[AuditEntry], bool] = lambda entry: True,
    changes: Iterable[StateChange] = (),
) -> dict[str, PlainAttempt]:
    """By id. `visible`: all that the scope may see within the time, in order of arrival."""
    reading = Reading(visible, rule, changes)
    found = {}
    for entry in reading.told:
        if entry.action in STARTING and asked(entry):
            sandbox, by_name = reading.sandbox_of(entry)
            outcome = reading.outcome_of(entry, sandbox)
            found[entry.id] = PlainAttempt(entry, sandbox, by_name, outcome)
    return found


class Reading:
    """What is told of sandboxes."""

    def __init__(
        self,
        visible: Iterable[AuditEntry],
        rule: SilentRule,
        changes: Iterable[StateChange] = (),
    ) -> None:
        self.rule = rule
        self.changes = [change for change in changes if change.target_type == "sandbox"]
        told = [entry for entry in visible if entry.target_type == "sandbox"]
        self.told = sorted(told, key=lambda entry: entry.created_at)
        active = {entry.target_id for entry in told if entry.action in LIFECYCLE} - {None}
        self.known = [
            (name_of(entry), entry)
            for entry in self.told
            if entry.action == "create" and answered_well(entry) and entry.target_id in active
        ]
        self.ids = {entry.target_id for _, entry in self.known}
        self.names: dict[str | None, set[str | None]] = defaultdict(set)
        for given, item in self.known:
            self.names[item.target_id] |= {given} - {None}
        self.used = defaultdict(list)
        for entry in filter(shows_use, self.told):
            self.used[entry.target_id].append(entry.created_at)
        self.lives = defaultdict(list)
        for entry in self.told:
            if entry.action in LIFECYCLE:
                self.lives[self.sandbox_of(entry)[0]].append(entry)

    def sandbox_of(self, entry: AuditEntry) -> tuple[str | None, bool]:
        unborn = entry.action == "create" and entry.target_id is None
        name = (name_of(entry) if unborn else entry.target_id) or None
        if name is None or name in self.ids:
            return name, False
        called = [item for given, item in self.known if given == name]
        if not unborn:
            earlier = [item for item in called if item.created_at <= entry.created_at]
            return (earlier[-1].target_id, True) if earlier else (name, False)
        later = [item for item in called if item.created_at >= entry.created_at]
        if later and later[0].created_at - entry.created_at <= timedelta(hours=1):
            return later[0].target_id, True
        return name, False

    def outcome_of(self, entry: AuditEntry, sandbox: str | None) -> str:
        status = entry.status_code
        if status is not None and status >= 400:
            return "failed"
        if not answered_well(entry):
            return "unknown"
        if sandbox is not None and (told := self.told_outcome(entry, sandbox)):
            return told
        return "suspected" if sandbox is not None and self.silent(entry, sandbox) else "started"

    def told_outcome(self, entry: AuditEntry, sandbox: str) -> str | None:
        """What the first telling change says that comes before anything else is done."""
        life = self.lives[sandbox]
        place = next(place for place, item in enumerate(life) if item is entry)
        until = entry.created_at + timedelta(minutes=35, microseconds=1)
        for later in life[place + 1 :]:
            if not 400 <= (later.status_code or 0) < 600:
                until = min(until, later.created_at)
                break
        near = sorted(
            (change.changed_at, change.new_state != "started")
            for change in self.changes
            if change.target_id == sandbox
            and change.new_state in ("started", "error", "build_failed")
            and entry.created_at <= change.changed_at < until
        )
        return None if not near else "failed" if near[0][1] else "started"

    def silent(self, entry: AuditEntry, sandbox: str) -> bool:
        life = self.lives[sandbox]
        place = next(place for place, item in enumerate(life) if item is entry)
        if place + 1 == len(life):
            return False
        following = life[place + 1]
        later = following.created_at - entry.created_at
        planned = following.action == "delete" and later < self.rule.delete_after
        if following.action not in ("recover", "start", "delete") or planned:
            return False
        return later <= self.rule.within and not any(
            entry.created_at <= at <= following.created_at
            for key in {sandbox, *self.names[sandbox]}
            for at in self.used[key]
        )
