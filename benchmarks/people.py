"""What People asks: the list, and one person's timeline, sessions, news and keys."""

from __future__ import annotations

from collections.abc import Callable

from audit_core.domain.access import Denied, Scope
from audit_core.explore.reader import Reader
from audit_core.people.actors import ActorReader
from audit_core.people.actors_sql import ActorKind, ActorList
from audit_core.people.person import PersonReader
from audit_core.people.timeline import TimelineReader
from audit_core.people.timeline_sql import LaneKind
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from benchmarks.prepared import UNTIL
from benchmarks.question import MONTHS, PAGE, VIEW_MS, Facts, Question
from benchmarks.tongues import FAILED, Tongue, by_hand, instant

_COLUMNS = (
    "organization_id, created_at, seq, actor_id, actor_email, actor_api_key_prefix, "
    "actor_api_key_suffix, target_type, target_id, action, status_code, ip_address, user_agent, "
    "source"
)
_KEY = (
    "CASE WHEN actor_api_key_prefix IS NOT NULL OR actor_api_key_suffix IS NOT NULL "
    "THEN coalesce(actor_api_key_prefix, '') || '…' || coalesce(actor_api_key_suffix, '') END"
)
_CLIENT = "coalesce(source, '') || ' ' || coalesce(user_agent, '')"
_FIGURES = (
    f"count(*) AS number, count(*) FILTER (WHERE {FAILED}) AS failed, "
    "min(created_at) AS first, max(created_at) AS last, count(DISTINCT ip_address) AS addresses"
)
_IN_SESSIONS = f"seq, created_at, ip_address, {_CLIENT} AS client, target_id, status_code"
_HALF_HOUR_US = 1_800_000_000


def people(facts: Facts) -> list[Question]:
    """The reads of the page; the person has some tens of thousands of entries."""
    scope = Scope(organization_id=facts.organization_id)
    own = scope.of_actor(facts.person_id)
    if isinstance(own, Denied):
        raise ValueError(own.reason)
    entry_filter = EntryFilter(window=MONTHS)
    time_range = MONTHS.time_range(UNTIL)
    always = TimeRange(since=None, until=None)

    def question(
        name: str, ask: Callable[[Reader], object], write: Callable[[Tongue], str]
    ) -> Question:
        return Question(name=name, ask=ask, target_ms=VIEW_MS, by_hand=by_hand(write))

    def read(tongue: Tongue, select: str, *, person: bool, rest: str, since: bool = True) -> str:
        conditions = [f"organization_id = '{facts.organization_id}'"]
        if person:
            conditions.append(f"actor_id = '{facts.person_id}'")
        if since and time_range.since:
            conditions.append(f"created_at >= {instant(tongue, time_range.since)}")
        return (
            f"SELECT {select} FROM {tongue.entries(_COLUMNS)} "
            f"WHERE {' AND '.join(conditions)} {rest}"
        )

    def listed(kind: ActorKind) -> Callable[[Reader], object]:
        listing = ActorList(kind=kind)
        return lambda reader: ActorReader(reader).actors(
            Query(entry_filter, scope, time_range), UNTIL, listing, PAGE
        )

    varied = f"{_FIGURES}, count(DISTINCT {_KEY}) AS api_keys, count(DISTINCT {_CLIENT}) AS clients"
    return [
        question(
            "who acts, 90 days",
            listed(ActorKind.ALL),
            lambda tongue: read(
                tongue,
                f"actor_id, max(actor_email) AS email, {varied}",
                person=False,
                rest="GROUP BY actor_id ORDER BY number DESC, actor_id LIMIT 26",
            ),
        ),
        question(
            "API keys, 90 days",
            listed(ActorKind.KEYS),
            lambda tongue: read(
                tongue,
                f"actor_id, {_KEY} AS api_key, {varied}",
                person=False,
                rest="AND (actor_api_key_prefix IS NOT NULL OR actor_api_key_suffix IS NOT NULL) "
                "GROUP BY 1, 2 ORDER BY number DESC, actor_id LIMIT 26",
            ),
        ),
        question(
            "a person's timeline, 90 days",
            lambda reader: TimelineReader(reader).timeline(
                Query(entry_filter, own, time_range), UNTIL, LaneKind.TARGET, 12
            ),
            lambda tongue: read(
                tongue,
                f"target_type, target_id, {_FIGURES}",
                person=True,
                rest="GROUP BY 1, 2 ORDER BY number DESC LIMIT 13",
            ),
        ),
        question(
            "a person's sessions, 90 days",
            lambda reader: PersonReader(reader).sessions(
                Query(entry_filter, own, time_range), 0, 10
            ),
            lambda tongue: _sessions(tongue, read(tongue, _IN_SESSIONS, person=True, rest="")),
        ),
        question(
            "a person's news, 90 days",
            lambda reader: PersonReader(reader).news(Query(entry_filter, own, time_range), 100),
            lambda tongue: read(
                tongue,
                f"ip_address, source, user_agent, {_KEY} AS api_key, action, {_FIGURES}",
                person=True,
                rest="GROUP BY 1, 2, 3, 4, 5",
                since=False,
            ),
        ),
        question(
            "a person's API keys, all",
            lambda reader: PersonReader(reader).used_keys(own, always, 50),
            lambda tongue: read(
                tongue,
                f"{_KEY} AS api_key, {_FIGURES}, count(DISTINCT action) AS actions",
                person=True,
                rest="GROUP BY 1 ORDER BY last DESC",
                since=False,
            ),
        ),
    ]


def _sessions(tongue: Tongue, entries: str) -> str:
    before = (
        f"max({tongue.micros}) OVER (ORDER BY created_at, seq "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    begins = f"CASE WHEN {tongue.micros} - {before} <= {_HALF_HOUR_US} THEN 0 ELSE 1 END"
    marked = f"SELECT *, {begins} AS begins FROM ({entries}) AS own"
    numbered = (
        "SELECT *, sum(begins) OVER (ORDER BY created_at, seq "
        f"ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session FROM ({marked}) AS marked"
    )
    return (
        f"SELECT {_FIGURES}, count(DISTINCT client) AS clients, "
        "count(DISTINCT target_id) AS targets "
        f"FROM ({numbered}) AS numbered GROUP BY session ORDER BY first DESC LIMIT 11"
    )
