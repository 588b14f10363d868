import json

from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import FIELDS
from audit_core.domain.entry_values import compare, particulars
from audit_core.domain.redaction import redact
from tests.support.plain_language import metadata_value
from tests.support.strategies import entry, plain_text

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | plain_text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(plain_text, values, max_size=4).map(json.dumps)
entries = st.builds(
    lambda metadata, status, source: entry(
        "x", metadata=metadata, status_code=status, source=source
    ),
    st.none() | objects,
    st.sampled_from((None, 0, 200)),
    st.none() | plain_text,
)


def by_path(item, secrets=True):
    return {each.path: each for each in particulars(item, secrets=secrets)}


@given(entries)
def test_every_field_stands_once_and_first(item):
    names = [each.name for each in particulars(item, secrets=True) if not each.of_metadata]
    assert names == [name for name, _ in FIELDS if name != "metadata"]


@given(entries)
def test_what_is_one_value_of_the_metadata_is_what_a_query_finds_there(item):
    for each in particulars(item, secrets=True):
        if each.of_metadata:
            found = metadata_value(item.metadata, each.path[1:])
            assert found == (each.value if each.scalar else None)


def test_lists_and_empty_objects_are_shown_whole():
    found = by_path(entry("x", metadata='{"body":{"l":[1,{"a":"é"}],"o":{},"n":null,"f":1.50}}'))
    assert found["metadata", "body", "l"].value == '["1", {"a": "é"}]'
    assert not found["metadata", "body", "l"].scalar
    assert found["metadata", "body", "o"].value == "{}"
    assert found["metadata", "body", "n"].value is None
    assert found["metadata", "body", "f"].value == "1.50"


def test_what_is_secret_is_marked():
    item = entry(
        "x",
        error_message="password=hunter2",
        metadata='{"query":{"token":"abc"},"body":{"env":{"A":"b"},"url":"https://u:p@h/","n":1}}',
    )
    hidden = {each.name for each in particulars(redact(item), secrets=False) if each.redacted}
    assert hidden == {
        *("errorMessage", "metadata.query.token", "metadata.body.env.A", "metadata.body.url"),
    }
    assert not any(each.redacted for each in particulars(item, secrets=True))


def test_what_is_no_json_is_shown_whole():
    (found,) = (each for each in particulars(entry("x", metadata="{"), secrets=True)
                if each.of_metadata)  # fmt: skip
    assert (found.value, found.scalar) == ("{", False)


@given(st.lists(entries, min_size=1, max_size=5))
def test_a_comparison_has_every_particular_of_every_entry(items):
    rows = compare(items, secrets=True)
    assert len({row.path for row in rows}) == len(rows)
    for place, item in enumerate(items):
        held = {path: each.value for path, each in by_path(item).items()}
        assert {row.path: row.values[place] for row in rows if row.values[place] is not None} == {
            path: value for path, value in held.items() if value is not None
        }
    for row in rows:
        assert row.differs == any(value != row.values[0] for value in row.values)
    assert [row.differs for row in rows] == sorted((row.differs for row in rows), reverse=True)


@given(entries, st.integers(2, 5))
def test_an_entry_does_not_differ_from_itself(item, times):
    assert not any(row.differs for row in compare([item] * times, secrets=True))
