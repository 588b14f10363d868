import json

from hypothesis import given
from hypothesis import strategies as st

from pages.parts.tables.safe_text import visible, visible_values


def test_marks_that_turn_text_around_or_hide_are_written_out() -> None:
    assert visible("a\u202egnp.exe") == "a\\u202egnp.exe"
    assert visible("ze\u200bro\x1b[31m\u2028") == "ze\\u200bro\\u001b[31m\\u2028"


def test_text_for_people_stays_as_it_is() -> None:
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    for text in ("tomás ☃ 👩\u200d🚀", persian, "two\nlines\tand a tab", "\xa0"):
        assert visible(text) == text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_that_is_made_visible_means_the_same(value: object) -> None:
    assert json.loads(visible(json.dumps(value, ensure_ascii=False))) == value


def test_names_and_values_in_metadata_are_made_visible() -> None:
    assert visible_values({"a\u202e": ["\u2066", 1, None]}) == {"a\\u202e": ["\\u2066", 1, None]}
