import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entry_values import particulars
from audit_core.domain.redaction import redact
from audit_core.explore.value_query import asked_by
from tests.support.expression_strategies import odd_text
from tests.support.in_utc import conjoin, parse
from tests.support.plain_language import matches_expression
from tests.support.strategies import entry, instants

objects = st.dictionaries(
    odd_text, odd_text | st.integers() | st.booleans() | st.none() | st.floats(-9, 9), max_size=3
).map(lambda body: json.dumps({"body": body, **body}))
entries = st.builds(
    lambda texts, status, instant, metadata: entry(
        "x",
        actor_id=texts[0],
        action=texts[1],
        target_type=texts[2],
        target_id=texts[3],
        source=texts[4],
        ip_address=texts[5],
        user_agent=texts[0],
        actor_api_key_prefix=texts[3],
        status_code=status,
        created_at=instant,
        metadata=metadata,
    ),
    st.lists(odd_text, min_size=6, max_size=6),
    st.sampled_from((None, 0, 100, 404, 599)),
    instants,
    st.none() | objects,
)


@given(entries)
def test_asking_for_a_particular_finds_its_entry_and_leaving_it_out_does_not(item):
    for each in particulars(item, secrets=True):
        name = asked_by(each)
        if name is not None:
            kept = parse(conjoin("", name, each.value, exclude=False))
            assert matches_expression(item, kept)
            left_out = parse(conjoin("", name, each.value, exclude=True))
            assert not matches_expression(item, left_out)


@pytest.mark.parametrize(
    ("metadata", "asked"),
    [
        ('{"body":{"name":"x"}}', {"metadata.body.name"}),
        ('{"body":{"a.b c":1}}', {"metadata.body.a\\.b\\ c"}),
        ('{"body":{"l":[1],"o":{},"n":null,"":"x"}}', set()),
        ('{"query":{"token":"abc"},"body":{"url":"https://u:p@h/"}}', set()),
        ('{"body":{"long":"' + "x" * 3000 + '"}}', set()),
    ],
)
def test_what_can_be_asked_of_the_metadata(metadata, asked):
    item = redact(entry("x", metadata=metadata))
    found = {asked_by(each) for each in particulars(item, secrets=False) if each.of_metadata}
    assert found - {None} == asked


def test_every_field_but_the_message_can_be_asked_for():
    item = entry("x", error_message="y", source="", ip_address="unknown, 10.0.0.1")
    missing = {each.name for each in particulars(item, secrets=True) if asked_by(each) is None}
    assert missing == {"errorMessage"}
