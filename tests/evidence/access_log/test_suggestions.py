"""Whatever is suggested for the access record can be asked of it, and means what it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit_core.evidence.access_log.record_filter import EXAMPLES, VOCABULARY, RecordScope
from audit_core.evidence.access_log.suggestions import COLUMN_OF, suggested
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.facets import FacetValue
from audit_core.query.language.ast import Equals, Field
from audit_core.query.language.fields import Example
from audit_core.state.access_log.verbs import VERBS
from tests.support.expression_strategies import odd_text
from tests.support.in_utc import parse

WHOLE = RecordScope.everything()
values = odd_text.filter(lambda text: text.isprintable() and bool(text.strip()))


@given(value=values, field=st.sampled_from([Field.ACTOR, Field.ACTION, Field.TARGET_ID]))
def test_a_value_that_is_taken_asks_for_that_value(value: str, field: Field) -> None:
    name = VOCABULARY.word_of(field).written
    listed = Listed(values=(FacetValue(value=value, count=3),))
    found = suggested(f"{name}:", "", WHOLE, lambda *_: listed)
    first = found.suggestions[0]
    assert parse(first.before + first.after, VOCABULARY) == Equals(field=field, value=value)


def test_every_name_that_is_taken_is_a_field_of_the_record() -> None:
    for word in VOCABULARY.words:
        for name in (word.written, *word.others):
            for item in suggested(name, "", WHOLE, lambda *_: Listed()).suggestions:
                path = "name:" if item.shown == "metadata." else ""
                parse(f"{item.before}{path}*", VOCABULARY)


@given(place=st.integers(0, 60), example=st.sampled_from(EXAMPLES))
def test_any_beginning_of_an_example_is_answered(place: int, example: Example) -> None:
    text = example.text
    asked: list[str] = []

    def read(column: str, _scope: RecordScope) -> Listed:
        asked.append(column)
        return Listed(values=tuple(FacetValue(value=verb, count=0) for verb in VERBS))

    suggested(text[:place], text[place:], WHOLE, read)
    assert set(asked) <= set(COLUMN_OF.values())
