import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.explore.autocomplete.completion import examples, suggest
from audit_core.query.language.ast import (
    Field,
)
from audit_core.query.language.fields import ENTRY_VOCABULARY
from tests.support.expression_strategies import snippets
from tests.support.in_utc import parse, to_text
from tests.support.strategies import plain_text


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.text)
def test_every_example_works(example):
    assert parse(to_text(parse(example.text))) == parse(example.text)
    assert example.meaning.endswith(".")


@pytest.mark.parametrize(
    ("text", "cursor", "typed", "names", "field", "values"),
    [
        ("", None, "", ENTRY_VOCABULARY.field_names, None, ()),
        ("act", None, "act", ("actor", "action", "actor_id"), None, ()),
        ("-OUT", None, "OUT", ("outcome",), None, ()),
        ("a (ta", None, "ta", ("target",), None, ()),
        ("user_a", None, "user_a", ("user_agent",), None, ()),
        ("zzz", None, "zzz", (), None, ()),
        ("act foo", 3, "act", ("actor", "action", "actor_id"), None, ()),
        ('"act', None, '"act', (), None, ()),
        ("action:start ", None, "", ENTRY_VOCABULARY.field_names, None, ()),
        ("action:", None, "", (), Field.ACTION, ()),
        ("action:st", None, "st", (), Field.ACTION, ()),
        ('action:"st', None, '"st', (), Field.ACTION, ()),
        ("action:(start OR cr", None, "cr", (), Field.ACTION, ()),
        ("action:(start OR ", None, "", (), Field.ACTION, ()),
        ("action:(start) ", None, "", ENTRY_VOCABULARY.field_names, None, ()),
        ("outcome:s", None, "s", (), Field.OUTCOME, ("success", "server_error")),
        ("-outcome:-f", None, "f", (), Field.OUTCOME, ("failed",)),
        ("category:To", None, "To", (), Field.CATEGORY, ("toolbox",)),
        ("metadata.body.sn:ub", None, "ub", (), Field.METADATA, ()),
        ("nothing:x", None, "x", (), None, ()),
        ("a" * 3000, None, "", (), None, ()),
    ],
)
def test_what_could_come_next(text, cursor, typed, names, field, values):
    found = suggest(text, cursor)
    assert (found.typed, found.names, found.field, found.values) == (typed, names, field, values)
    assert found.end == (len(text) if cursor is None else cursor)
    assert text[found.start : found.end] == typed


@given(plain_text | st.lists(snippets, max_size=8).map("".join), st.integers(-1, 40))
def test_there_is_something_to_say_about_any_text(text, cursor):
    found = suggest(text, cursor)
    assert 0 <= found.start <= found.end <= len(text)
