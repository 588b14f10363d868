"""The configuration of a sandbox, folded from the entries that set it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit_core.domain.entries import AuditEntry, Outcome

_CREATED_WITH = (
    *("name", "snapshot", "target", "user", "public", "cpu", "gpu", "memory", "disk"),
    *("labels", "env", "volumes", "networkBlockAll", "networkAllowList"),
    *("autoStopInterval", "autoPauseInterval", "autoArchiveInterval", "autoDeleteInterval"),
)
_INTERVALS = {
    "set_auto_stop_interval": "autoStopInterval",
    "set_auto_pause_interval": "autoPauseInterval",
    "set_auto_archive_interval": "autoArchiveInterval",
    "set_auto_delete_interval": "autoDeleteInterval",
    "set_ttl": "ttl",
}
_FROM_BODY = {
    "resize": ("cpu", "memory", "disk", "gpu"),
    "replace_labels": ("labels",),
    "update_network_settings": ("networkBlockAll", "networkAllowList"),
}
_WELL = (Outcome.INFO, Outcome.SUCCESS, Outcome.REDIRECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One setting that an entry changed."""

    at: datetime
    entry_id: str
    action: str
    actor: str
    setting: str
    """As the platform calls it."""
    old: str | None
    """`None` if it was not known before. Texts as they are, all else as JSON."""
    new: str


def setting_changes(lifecycle: Iterable[AuditEntry]) -> tuple[SettingChange, ...]:
    """What entries about one sandbox, in order of time, set; one that repeats the value is left
    out. Only what was answered well counts."""
    present: dict[str, str] = {}
    found: list[SettingChange] = []
    for entry in lifecycle:
        if entry.outcome not in _WELL:
            continue
        for setting, value in _settings(entry).items():
            new = _written(value)
            if present.get(setting) == new:
                continue
            found.append(
                SettingChange(
                    at=entry.created_at,
                    entry_id=entry.id,
                    action=entry.action,
                    actor=entry.actor,
                    setting=setting,
                    old=present.get(setting),
                    new=new,
                )
            )
            present[setting] = new
    return tuple(found)


def configuration_at(changes: Iterable[SettingChange], when: datetime) -> Mapping[str, str]:
    """The settings that are known at a time, by name; empty before the first."""
    return {change.setting: change.new for change in changes if change.at <= when}


def _settings(entry: AuditEntry) -> dict[str, Any]:
    try:
        metadata = json.loads(entry.metadata or "{}")
    except (ValueError, RecursionError):
        return {}
    body, params = (_object(metadata, name) for name in ("body", "params"))
    if entry.action == "create":
        return {name: body[name] for name in _CREATED_WITH if name in body}
    if entry.action in _INTERVALS and "interval" in params:
        return {_INTERVALS[entry.action]: params["interval"]}
    if entry.action == "update_public_status" and "isPublic" in params:
        return {"public": params["isPublic"]}
    return {name: body[name] for name in _FROM_BODY.get(entry.action, ()) if name in body}


def _object(metadata: Any, name: str) -> dict[str, Any]:
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return value if isinstance(value, dict) else {}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
