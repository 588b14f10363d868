"""What was found unusual as findings: sentences, and the filters of their entries. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from audit_core.domain.entries import Outcome
from audit_core.domain.errors import FilterError
from audit_core.domain.ip_addresses import address_text
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.printer import conjoin
from audit_core.query.limits import MAX_VALUES
from audit_core.query.time.hours import hour_start
from audit_core.query.time.windows import UTC_NAME, TimeRange, Window
from audit_core.unusual.findings import Finding, FindingKind
from audit_core.unusual.first_seen import FirstSeen, Novelty
from audit_core.unusual.new_errors_sql import NewErrorRow
from audit_core.unusual.off_hours import Stretch
from audit_core.unusual.peaks import Peak
from audit_core.unusual.spike import Band
from audit_core.unusual.spikes_sql import Series

MAX_NAMED = 3
"""How many addresses a sentence names."""

MAX_QUOTED = 120
"""How many characters of a message it quotes."""

_OUTCOMES = {4: Outcome.CLIENT_ERROR, 5: Outcome.SERVER_ERROR}
_ERRORS = {4: "client errors (4xx)", 5: "server errors (5xx)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all findings of a week share."""

    week: TimeRange
    """Both ends given."""
    zone: str
    names: Mapping[str, str]
    """How each actor is shown, by id."""

    def window(self, time_range: TimeRange) -> Window:
        """A time as the window of a filter."""
        return Window(preset=None, since=time_range.since, until=time_range.until, zone=self.zone)

    def filtered(self, time_range: TimeRange | None = None, **fields: Any) -> EntryFilter:
        """A filter within the week, or within a part of it."""
        return EntryFilter(window=self.window(time_range or self.week), **fields)

    def name(self, actor_id: str) -> str:
        """How an actor is shown."""
        return self.names.get(actor_id) or actor_id

    def when(self, instant: datetime) -> str:
        """An instant to the minute, on the clocks of the zone: `Tue 24 Nov, 14:00`."""
        local = instant.astimezone(self.window(self.week).zone_info)
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"

    def day(self, instant: datetime) -> str:
        """The day of an instant: `Tue 24 Nov`."""
        return self.when(instant).partition(",")[0]

    def between(self, since: datetime, until: datetime) -> str:
        """Two instants: `on Tue 24 Nov between 14:00 and 16:00`."""
        zone = self.window(self.week).zone_info
        first, last = since.astimezone(zone), until.astimezone(zone)
        if (last - timedelta(microseconds=1)).date() == first.date():
            return f"on {first:%a} {first.day} {first:%b} between {first:%H:%M} and {last:%H:%M}"
        return f"between {self.when(since)} and {self.when(until)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An actor whom the organization had not seen before."""

    actor_id: str
    count: int
    sensitive: int
    first: datetime


_Item = TypeVar("_Item")
_SUMMED = ("count", "sensitive")


def of_people(setting: Setting, new: Sequence[Newcomer]) -> Iterable[Finding]:
    """Those whom the organization had not seen before: one finding each for who deleted something
    or changed what others may do, one for as many of the others as a filter may list."""
    harmless = [item for item in new if not item.sensitive]
    for group in (*((item,) for item in new if item.sensitive), *_listable(harmless)):
        names = list(dict.fromkeys(setting.name(item.actor_id) for item in group))
        count, delicate = (sum(getattr(item, name) for item in group) for name in _SUMMED)
        first = min(item.first for item in group)
        were = "was seen for the first time" if len(names) == 1 else "were seen for the first time"
        yield Finding(
            kind=FindingKind.PERSON,
            sentence=f"{_named(names)} {were}, since {setting.day(first)}: "
            f"{_entries(count)}{_among(delicate, count)}.",
            entry_filter=setting.filtered(actors=tuple(item.actor_id for item in group)),
            count=count,
            first=first,
            actor_id=group[0].actor_id if len(group) == 1 else None,
            sensitive=delicate,
        )


def of_first_seen(setting: Setting, things: Iterable[FirstSeen]) -> Iterable[Finding]:
    """New addresses, one finding a person for as many as a filter may list, and new API keys, one
    each."""
    addresses: dict[str, list[FirstSeen]] = defaultdict(list)
    for thing in things:
        if thing.kind is Novelty.ADDRESS:
            addresses[thing.actor_id].append(thing)
        elif thing.kind is Novelty.KEY:
            yield _of_key(setting, thing)
    for actor_id, all_own in addresses.items():
        all_own.sort(key=lambda item: (-item.sensitive, -item.count, item.parts[0] or ""))
        for own in _listable(all_own):
            yield _of_addresses(setting, actor_id, own)


def _of_key(setting: Setting, thing: FirstSeen) -> Finding:
    key = "…".join(part or "" for part in thing.parts)
    return Finding(
        kind=FindingKind.KEY,
        sentence=f"{setting.name(thing.actor_id)} used an API key not seen before, {key}: "
        f"{_entries(thing.count)}{_among(thing.sensitive, thing.count)}.",
        entry_filter=_asking(setting.filtered(actors=(thing.actor_id,)), "key", key),
        count=thing.count,
        first=thing.hour,
        actor_id=thing.actor_id,
        sensitive=thing.sensitive,
    )


def _of_addresses(setting: Setting, actor_id: str, own: Sequence[FirstSeen]) -> Finding:
    written = [address_text(item.parts[0] or "") for item in own]
    what = "an address" if len(own) == 1 else f"{len(own):,} addresses"
    count, delicate = sum(item.count for item in own), sum(item.sensitive for item in own)
    return Finding(
        kind=FindingKind.ADDRESS,
        sentence=f"{setting.name(actor_id)} came from {what} not seen before, {_named(written)}: "
        f"{_entries(count)}{_among(delicate, count)}.",
        entry_filter=setting.filtered(actors=(actor_id,), ip_addresses=tuple(written)),
        count=count,
        first=min(item.hour for item in own),
        actor_id=actor_id,
        sensitive=delicate,
    )


def of_errors(setting: Setting, rows: Iterable[NewErrorRow]) -> Iterable[Finding]:
    """New errors, one finding a template."""
    for row in rows:
        shown = " ".join(row.template.split())
        quoted = shown if len(shown) <= MAX_QUOTED else f"{shown[:MAX_QUOTED]}…"
        first = hour_start(row.hour)
        failures = setting.filtered(outcomes=(Outcome.CLIENT_ERROR, Outcome.SERVER_ERROR))
        by = "one user" if row.actors == 1 else f"{row.actors:,} users"
        yield Finding(
            kind=FindingKind.ERROR,
            sentence=f"“{quoted}” was first seen on {setting.day(first)}: "
            f"{_times(row.count)}, by {by}.",
            entry_filter=_asking(failures, "pattern", row.template),
            count=row.count,
            first=first,
        )


def of_peaks(setting: Setting, found: Iterable[Peak]) -> Iterable[Finding]:
    """Spikes, one finding a series."""
    for peak in found:
        when = setting.between(peak.since, peak.until)
        time_range = TimeRange(since=peak.since, until=peak.until)
        who = setting.name(peak.actor_id) if peak.actor_id else ""
        outcome = {"outcomes": (_OUTCOMES[peak.hundred],)} if peak.hundred else {}
        actor = {"actors": (peak.actor_id,)} if peak.actor_id else {}
        action = {"actions": (peak.action,)} if peak.series is Series.ACTION else {}
        what = {
            Series.ERRORS: f"{peak.count:,} {_ERRORS.get(peak.hundred, 'errors')}",
            Series.FAILURES: f"{who} met {peak.count:,} {_ERRORS.get(peak.hundred, 'errors')}",
            Series.ACTION: f"{who} did “{peak.action}” {peak.count:,} times",
            Series.ACTIVITY: f"{who} made {peak.count:,} entries",
        }[peak.series]
        yield Finding(
            kind=FindingKind.SPIKE,
            sentence=f"{what} {when}; {_usual(peak.band)}{_largest(peak.times)}.",
            entry_filter=setting.filtered(time_range, **outcome, **actor, **action),
            count=peak.count,
            first=peak.since,
            actor_id=peak.actor_id or None,
            sensitive=peak.count if peak.action else 0,
        )


def of_stretches(setting: Setting, found: Mapping[str, Sequence[Stretch]]) -> Iterable[Finding]:
    """Off-hours, one finding a person: the busiest stretch."""
    for actor_id, own in found.items():
        busiest = max(own, key=lambda item: (item.count, item.since))
        yield Finding(
            kind=FindingKind.OFF_HOURS,
            sentence=f"{setting.name(actor_id)} was active outside their usual hours, "
            f"{setting.between(busiest.since, busiest.until)}: {_entries(busiest.count)}"
            f"{_largest(len(own))}.",
            entry_filter=setting.filtered(
                TimeRange(since=busiest.since, until=busiest.until), actors=(actor_id,)
            ),
            count=busiest.count,
            first=busiest.since,
            actor_id=actor_id,
        )


def _listable(items: Sequence[_Item]) -> Iterable[Sequence[_Item]]:
    """The items in runs of as many as one field of a filter may list."""
    return (items[start : start + MAX_VALUES] for start in range(0, len(items), MAX_VALUES))


def _named(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"


def _usual(band: Band) -> str:
    if not band.hours:
        return "there were none in the four weeks before"
    return f"{band.median:,.0f} an hour is usual"


def _largest(times: int) -> str:
    return f"; the largest of {times:,} in the week" if times > 1 else ""


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _among(sensitive: int, count: int) -> str:
    if not sensitive:
        return ""
    which = "each" if sensitive == count else f"{sensitive:,} of them"
    return f", {which} deleting something or changing access"


def _asking(entry_filter: EntryFilter, field: str, value: str) -> EntryFilter:
    try:
        asking = replace(
            entry_filter, query=conjoin("", field, value, exclude=False, zone=UTC_NAME)
        )
        return EntryFilter.from_params(asking.to_params())
    except (FilterError, ValueError):
        # Too long to be asked for: then the rest of the filter has to do.
        return entry_filter
