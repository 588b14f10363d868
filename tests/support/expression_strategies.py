"""Hypothesis strategies for the query language, and short ways to write expressions."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from hypothesis import assume
from hypothesis import strategies as st

from audit_core.domain.entries import EARLIEST, LATEST, Category, Outcome
from audit_core.explore.autocomplete.completion import examples
from audit_core.query.language.ast import (
    EVERYTHING,
    TEXT_FIELDS,
    Between,
    Contains,
    Equals,
    Exists,
    Field,
    InNetwork,
    Matches,
    MetadataEquals,
    MetadataExists,
    MetadataMatches,
    Wildcard,
    all_of,
    any_of,
    negation,
    pattern_of,
)
from audit_core.query.language.fields import ENTRY_VOCABULARY, Kind
from tests.support.strategies import NOW, entry, given_text

MANY, ONE = Wildcard.MANY, Wildcard.ONE


def equals(field, value):
    return Equals(field=Field(field), value=value)


def contains(text):
    return Contains(fields=TEXT_FIELDS, text=text)


def statuses(low, high, *, include_low=True, include_high=True):
    return Between(
        field=Field.STATUS_CODE,
        low=low,
        high=high,
        include_low=include_low,
        include_high=include_high,
    )


def times(low, high, *, include_low=True, include_high=False, field=Field.CREATED_AT):
    return Between(
        field=field, low=low, high=high, include_low=include_low, include_high=include_high
    )


def day(month, number, hour=0):
    return datetime(2026, month, number, hour, tzinfo=UTC)


START, CREATE = equals("action", "start"), equals("action", "create")

odd_text = st.one_of(
    given_text,
    st.sampled_from(
        (
            "AND",
            "none",
            "-",
            "*",
            "a*b",
            "/x/",
            "a:b",
            "C:\\temp",
            '"',
            "'",
            "-x",
            "TO",
            "NULL",
            "…",
        )
    ),
    st.text("ab*?\\\"'/:()[]{}~^+-!&|<>= \n.…", min_size=1, max_size=8),
)
exact_fields = st.sampled_from(
    [field for field in Field if ENTRY_VOCABULARY.word_of(field).kind is Kind.EXACT]
)
patterns = (
    st.lists(st.one_of(odd_text, st.sampled_from(Wildcard)), min_size=1, max_size=5)
    .map(pattern_of)
    .filter(
        lambda pattern: pattern != (MANY,) and any(isinstance(item, Wildcard) for item in pattern)
    )
)
midnights = st.dates(EARLIEST.date(), LATEST.date()).map(
    lambda date: datetime(date.year, date.month, date.day, tzinfo=UTC)
)
moments = midnights | st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
)
names_of_metadata = st.lists(odd_text.filter(lambda text: len(text) <= 100), min_size=1, max_size=4)
networks = st.one_of(
    st.builds(
        lambda bits, length: ip_network((bits, length), strict=False),
        st.integers(0, 2**32 - 1),
        st.integers(0, 32),
    ),
    st.builds(
        lambda bits, length: ip_network((bits, length), strict=False),
        st.integers(2**32, 2**128 - 1),
        st.integers(0, 128),
    ),
)


@st.composite
def ranges(draw):
    field = draw(st.sampled_from((Field.STATUS_CODE, Field.CREATED_AT, Field.RECEIVED_AT)))
    values = st.integers(0, 999) if field is Field.STATUS_CODE else moments
    low, high = draw(values | st.none()), draw(values | st.none())
    assume(low is not None or high is not None)
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    include_low = low is not None and draw(st.booleans())
    include_high = high is not None and draw(st.booleans())
    if low is not None and high is not None:
        one = 1 if field is Field.STATUS_CODE else timedelta(microseconds=1)
        assume(low + one * (not include_low) <= high - one * (not include_high))
        assume(low < high or (include_low and include_high))
    return Between(
        field=field, low=low, high=high, include_low=include_low, include_high=include_high
    )


paths = names_of_metadata.map(tuple)
conditions = st.one_of(
    st.builds(Equals, field=exact_fields, value=odd_text | st.just("")),
    st.builds(Equals, field=st.just(Field.IP_ADDRESS), value=odd_text | st.ip_addresses().map(str)),
    st.builds(Equals, field=st.just(Field.OUTCOME), value=st.sampled_from(Outcome)),
    st.builds(Equals, field=st.just(Field.CATEGORY), value=st.sampled_from(Category)),
    st.builds(Equals, field=st.just(Field.STATUS_CODE), value=st.just(0) | st.integers(100, 599)),
    st.builds(Matches, field=exact_fields | st.just(Field.IP_ADDRESS), pattern=patterns),
    ranges(),
    st.builds(Exists, field=st.sampled_from(Field)),
    st.builds(
        Contains,
        fields=st.sampled_from((TEXT_FIELDS, (Field.ERROR_MESSAGE,), (Field.USER_AGENT,))),
        text=odd_text,
    ),
    st.builds(
        Equals,
        field=st.just(Field.IP_ADDRESS),
        value=st.sampled_from(("::ffff:192.0.2.1", "fe80::1%eth0", "10.0.0.1")),
        verbatim=st.booleans(),
    ),
    st.builds(InNetwork, field=st.just(Field.IP_ADDRESS), network=networks),
    st.just(
        InNetwork(field=Field.IP_ADDRESS, network=ip_network("10.0.0.0/8"), written="10.1.2.3/8")
    ),
    st.builds(MetadataExists, path=paths),
    st.builds(MetadataEquals, path=paths, value=odd_text | st.just("")),
    st.builds(MetadataMatches, path=paths, pattern=patterns),
)
expressions = st.recursive(
    conditions | st.just(EVERYTHING),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(all_of),
        st.lists(inner, min_size=1, max_size=4).map(any_of),
        inner.map(negation),
    ),
    max_leaves=12,
)
snippets = st.sampled_from(
    (
        *(example.text for example in examples()),
        *"()[]{}\"'/\\:~^+-!*? \n",
        *(" AND ", " OR ", " NOT ", " TO ", "&&", "||", "action:", "status:>=", "ip:", "none"),
        *("[400 TO 499]", "{* TO 3}", "metadata.a.b:", "foo", "/x/", "time:", "2026-01-31"),
    )
)


ENTRIES = [
    entry("plain"),
    entry("start", action="start", status_code=400, error_message="No SPACE left on\ndevice"),
    entry("flight", action="start", status_code=None, target_id=None, target_type=None),
    entry("silent", status_code=0, source="cli", ip_address="10.1.2.3"),
    entry("runner", actor_id="runner", actor_email="", action="auto_stop", ip_address="::1"),
    entry("key", target_type="api_key", actor_api_key_prefix="dtn_ab", actor_api_key_suffix="9f"),
    entry("odd", target_id="a*b", ip_address="unknown, 10.1.2.3", source="", user_agent="Curl/8"),
    entry(
        "meta",
        action="toolbox_execute_command",
        target_id="Straße",
        status_code=500,
        metadata='{"body":{"n":4,"f":1.50,"yes":true,"no":null,"a.b":"c d","o":{},"l":["x"]}}',
        created_at=NOW - timedelta(days=30),
        ip_address="2001:db8::7",
    ),
]
ALL_IDS = [item.id for item in ENTRIES]
