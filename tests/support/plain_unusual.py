"""What is unusual in a week, read in plain Python from the entries themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from audit_core.domain.addresses import address_key
from audit_core.domain.entries import ACCESS_TARGETS, AuditEntry, Category
from audit_core.domain.ip_addresses import address_text
from audit_core.domain.message_template import template_of
from audit_core.domain.redaction import redact_text
from audit_core.query.time.hours import HOUR
from audit_core.query.time.windows import EPOCH, TimeRange
from audit_core.unusual import first_seen, off_hours, spike, wording
from audit_core.unusual.findings import Finding, ranked
from audit_core.unusual.first_seen import FirstSeen, History, Novelty
from audit_core.unusual.new_errors_sql import NewErrorRow
from audit_core.unusual.off_hours import Hours, stretches
from audit_core.unusual.peaks import distinct, largest_peak
from audit_core.unusual.spikes_sql import WATCHED
from audit_core.unusual.wording import Newcomer, Setting

_BITS = {"errors": 0b110, "failures": 0b010, "action": 0b001, "activity": 0b011}
_OF_ONESELF = ("accept", "decline", "login", "read", "register")


def hour_of(entry: AuditEntry) -> datetime:
    return entry.created_at.replace(minute=0, second=0, microsecond=0)


def is_sensitive(entry: AuditEntry) -> bool:
    changes = entry.target_type in ACCESS_TARGETS and entry.action not in _OF_ONESELF
    return entry.action == "delete" or entry.category is Category.ACCESS or changes


def failed(entry: AuditEntry) -> bool:
    return 400 <= (entry.status_code or 0) <= 599


class PlainWeek:
    """The week from `since` until `end`, of the entries of one organization."""

    def __init__(
        self, entries: Sequence[AuditEntry], since: datetime, end: datetime, zone: str
    ) -> None:
        self.since, self.zone = since, zone
        self.entries = entries
        self.now = [entry for entry in entries if since <= entry.created_at < end]
        self.earlier = self.before(first_seen.LOOK_BACK)
        self.known: dict[str, list[datetime]] = defaultdict(list)
        for entry in self.earlier:
            self.known[entry.actor_id].append(hour_of(entry))
        names: dict[str, str] = {}
        for entry in self.now:
            names[entry.actor_id] = max(names.get(entry.actor_id, ""), entry.actor_email)
        week = TimeRange(since=since, until=end)
        shown = {actor: name or actor for actor, name in names.items()}
        self.setting = Setting(week=week, zone=zone, names=shown)

    def before(self, length: timedelta) -> list[AuditEntry]:
        first = self.since - length
        return [entry for entry in self.entries if first <= entry.created_at < self.since]

    def is_known(self, actor_id: str) -> bool:
        own = self.known.get(actor_id, [])
        return History(len(own), min(own, default=None)).tells(self.since)

    def findings(self) -> tuple[Finding, ...]:
        known = {actor for actor in self.setting.names if self.is_known(actor)}
        return ranked(
            [
                *wording.of_people(self.setting, self.newcomers()),
                *wording.of_first_seen(
                    self.setting, [item for item in self.first_seen() if item.actor_id in known]
                ),
                *wording.of_errors(self.setting, self.new_errors()),
                *wording.of_peaks(self.setting, self.peaks(known)),
                *wording.of_stretches(self.setting, self.stretches()),
            ]
        )

    def newcomers(self) -> list[Newcomer]:
        ids = {entry.actor_id for entry in self.earlier}
        addresses = {address_key(entry.actor_email) for entry in self.earlier} - {""}
        fresh = defaultdict(list)
        for entry in self.now:
            fresh[entry.actor_id].append(entry)
        return [
            Newcomer(
                actor_id=actor_id,
                count=len(own),
                sensitive=sum(map(is_sensitive, own)),
                first=min(map(hour_of, own)),
            )
            for actor_id, own in sorted(fresh.items())
            if actor_id not in ids
            and address_key(max(entry.actor_email for entry in own)) not in addresses
        ]

    def first_seen(self) -> list[FirstSeen]:
        found = []
        for kind in (Novelty.ADDRESS, Novelty.KEY):
            old = {(entry.actor_id, *_parts(kind, entry)) for entry in self.earlier}
            fresh = defaultdict(list)
            for entry in self.now:
                parts = _parts(kind, entry)
                if set(parts) != {None} and (entry.actor_id, *parts) not in old:
                    fresh[entry.actor_id, parts].append(entry)
            found += [
                FirstSeen(
                    actor_id=actor_id,
                    kind=kind,
                    parts=parts,
                    hour=min(map(hour_of, own)),
                    count=len(own),
                    sensitive=sum(map(is_sensitive, own)),
                )
                for (actor_id, parts), own in fresh.items()
            ]
        return found

    def new_errors(self) -> list[NewErrorRow]:
        def template(entry: AuditEntry) -> str:
            return template_of(redact_text(entry.error_message or ""))

        old = {template(entry) for entry in self.earlier if failed(entry) and entry.error_message}
        fresh = defaultdict(list)
        for entry in self.now:
            if failed(entry) and entry.error_message and template(entry) not in old:
                fresh[template(entry)].append(entry)
        return [
            NewErrorRow(
                template=text,
                count=len(own),
                hour=(min(map(hour_of, own)) - EPOCH) // HOUR,
                actors=len({entry.actor_id for entry in own}),
            )
            for text, own in fresh.items()
        ]

    def peaks(self, known: set[str]):
        usual = defaultdict(Counter)
        for key, hours in _hourly(self.before(spike.LOOK_BACK)).items():
            usual[key].update(hours.values())
        found = []
        for key, hours in _hourly(self.now).items():
            peak = largest_peak(key, hours, usual[key])
            if peak is not None and (not peak.actor_id or peak.actor_id in known):
                found.append(peak)
        return distinct(sorted(found, key=str))

    def stretches(self):
        zone = ZoneInfo(self.zone)
        usual = defaultdict(set)
        for entry in self.before(off_hours.LOOK_BACK):
            if entry.actor_email:
                usual[entry.actor_id].add(hour_of(entry).astimezone(zone).replace(tzinfo=None))
        active = defaultdict(Counter)
        for entry in self.now:
            if entry.actor_email:
                active[entry.actor_id][hour_of(entry).astimezone(zone)] += 1
        found = {}
        for actor_id, counts in active.items():
            walls = usual[actor_id]
            of_week = Counter(wall.weekday() * 24 + wall.hour for wall in walls)
            hours = Hours(of_week=of_week, days=len({wall.date() for wall in walls}))
            if own := stretches(counts, hours):
                found[actor_id] = own
        return found


def _parts(kind: Novelty, entry: AuditEntry) -> tuple[str | None, ...]:
    if kind is Novelty.KEY:
        return entry.actor_api_key_prefix, entry.actor_api_key_suffix
    return (entry.ip_address and address_text(entry.ip_address),)


def _hourly(entries):
    found = defaultdict(Counter)
    for entry in entries:
        hour = (hour_of(entry) - EPOCH) // HOUR
        found[_BITS["activity"], entry.actor_id, "", 0][hour] += 1
        if entry.action in WATCHED:
            found[_BITS["action"], entry.actor_id, entry.action, 0][hour] += 1
        if failed(entry):
            hundred = (entry.status_code or 0) // 100
            found[_BITS["failures"], entry.actor_id, "", hundred][hour] += 1
            found[_BITS["errors"], "", "", hundred][hour] += 1
    return found
