import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.explore.autocomplete.completion import LISTED, suggest
from audit_core.explore.autocomplete.suggestions import MAX_SUGGESTED, Listed, suggestions
from audit_core.explore.facets import FacetValue
from audit_core.explore.statements import FACETS
from audit_core.query.language.ast import Equals, Field, Not
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.fields import ENTRY_VOCABULARY
from audit_core.query.language.lexer import ends_cleanly
from audit_core.query.language.printer import quoted
from audit_core.query.limits import MAX_CHARACTERS
from tests.support.expression_strategies import expressions, odd_text, snippets
from tests.support.in_utc import parse, to_text

CURSOR = "¦"
LOG = ("start", "create", "stop", "no space", 'a "b" c:*', "none", "C:\\temp", "two\nlines")
printable = odd_text.filter(lambda text: text.isprintable() and bool(text.strip()))


def log_of(*values, complete=True):
    return Listed(
        values=tuple(
            FacetValue(value=value, count=len(values) - place) for place, value in enumerate(values)
        ),
        complete=complete,
    )


def suggested(marked, listed=None):
    """What is suggested for a text with a mark where the cursor is."""
    before, _, after = marked.partition(CURSOR)
    completion = suggest(before + after, len(before))
    return suggestions(
        before + after,
        completion,
        (listed or log_of(*LOG)) if completion.listed else Listed(),
    )


def results(marked, listed=None):
    found = suggested(marked, listed).suggestions
    return [f"{item.before}{CURSOR}{item.after}" for item in found]


def understood(text):
    try:
        parse(text)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        ("ac¦", "actor:¦"),
        ("foo -(OUT¦", "foo -(outcome:¦"),
        ("ty¦ foo", "type:¦ foo"),
        ("a ty¦pe:sandbox b", "a type:¦sandbox b"),
        ("meta¦", "metadata.¦"),
        ("metadata.body.sn¦", "metadata.body.snapshot:¦"),
        ("action:¦", "action:start ¦"),
        ("action:st¦", "action:start ¦"),
        ("-action:(start OR cr¦", "-action:(start OR create ¦"),
        ("(action:cr¦) x", "(action:create¦) x"),
        ("action:st¦op x", "action:start¦ x"),
        ("action:¦stop x", "action:start¦ x"),
        ("action:SPACE¦", 'action:"no space" ¦'),
        ('action:"no s¦" x', 'action:"no space"¦ x'),
        ('action:"no s¦ message:"disk full"', 'action:"no space"¦ message:"disk full"'),
        ("action:temp¦", 'action:"C:\\\\temp" ¦'),
        ("source:none¦", 'source:"none" ¦'),
        ("outcome:s¦ x", "outcome:success¦ x"),
    ],
)
def test_the_word_at_the_cursor_is_what_is_replaced(marked, first):
    assert results(marked)[0] == first


@pytest.mark.parametrize(
    "marked",
    [
        *("zzz¦", '"act¦', "¦action:start", "¦foo", "nothing:x¦", "act¦~2", "meta¦:x"),
        *("status:[4¦", "status:[400 TO ¦", "status:>=4¦", "action:¦(start)", "action:zzz¦"),
        *('action:st¦"x y"', 'action:¦"no space"x', "target:¦", "message:¦", "key:¦"),
        *("metadata.body.password:¦", "a" * MAX_CHARACTERS + " ac¦"),
    ],
)
def test_nothing_is_suggested_where_nothing_is_known(marked):
    assert results(marked) == []


def test_the_way_to_write_a_value_is_told_as_long_as_it_helps():
    assert suggested("status:>=4¦").hint == ENTRY_VOCABULARY.word_of(Field.STATUS_CODE).help
    assert suggested("time:2026¦").hint == ENTRY_VOCABULARY.word_of(Field.CREATED_AT).help
    assert suggested("target:¦").hint == ENTRY_VOCABULARY.word_of(Field.TARGET_ID).help
    assert suggested("target:abc¦").hint == ""
    assert suggested("action:zzz¦").hint == ""


def test_names_come_with_their_meaning_and_values_with_their_counts():
    (found,) = suggested("sourc¦").suggestions
    assert (found.shown, found.note, found.more) == (
        "source",
        ENTRY_VOCABULARY.word_of(Field.SOURCE).help,
        True,
    )
    start, *_, absent = suggested("source:¦").suggestions
    assert (start.shown, start.count, start.note, start.more) == ("start", len(LOG), "", False)
    assert (absent.shown, absent.count) == ("none", None)
    assert "whole log" in suggested("source:¦").hint


def test_those_that_begin_with_what_is_typed_come_first():
    shown = [
        item.shown for item in suggested("source:st¦", log_of("test", "stop", "st")).suggestions
    ]
    assert shown == ["stop", "test"], "st is what stands there"


def test_no_more_than_fit_are_shown_and_the_rest_is_told():
    many = [f"value{number}" for number in range(MAX_SUGGESTED + 1)]
    found = suggested("action:¦", log_of(*many, complete=False))
    assert [item.shown for item in found.suggestions] == many[:MAX_SUGGESTED]
    assert f"The first {MAX_SUGGESTED} of {len(many)} values" in found.hint
    assert "Rarer ones can be typed." in found.hint
    assert "Rarer" not in suggested("action:¦").hint


def test_a_value_that_makes_the_text_too_long_is_left_out():
    assert results("action:¦", log_of("x" * MAX_CHARACTERS, "y")) == ["action:y ¦"]


@st.composite
def marked_texts(draw):
    """Texts with a cursor anywhere, or in a word that is a name or a value."""
    if draw(st.booleans()):
        text = draw(st.lists(snippets, max_size=8).map("".join) | expressions.map(to_text))
        cursor = draw(st.integers(0, len(text)))
        return f"{text[:cursor]}{CURSOR}{text[cursor:]}"
    before = draw(st.sampled_from(("", "-", "(", "x ", "NOT ", "a OR (", "(type:(b OR c) ")))
    name = draw(st.sampled_from(("action:", "-source:(x OR ", "status:", "outcome:", "ip:", "")))
    word = draw(st.sampled_from((CURSOR, f"s{CURSOR}", f"s{CURSOR}t", f'"{CURSOR}', f"{CURSOR}s")))
    after = draw(st.sampled_from(("", ")", "))", " x)", ' "c d"', " OR id:a", "~2", ":x", '"')))
    return f"{before}{name}{word}{after}"


@given(marked_texts(), st.lists(odd_text, max_size=3, unique=True))
def test_what_is_taken_changes_one_word_and_can_be_understood_if_the_rest_can(marked, values):
    before, _, after = marked.partition(CURSOR)
    text, cursor = before + after, len(before)
    completion = suggest(text, cursor)
    listed = log_of("404", "0") if completion.listed == "status" else log_of(*values)
    for item in suggested(marked, listed).suggestions:
        kept = text[: completion.start]
        assert item.before.startswith(kept)
        assert text.endswith(item.after)
        assert completion.start <= cursor <= len(text) - len(item.after)
        if completion.field is not None:
            other, taken = f"{kept}*{item.after}", item.before + item.after
        elif ends_cleanly(item.after, 0):
            value = "body.x:*" if item.before.endswith(".") else "*"
            other, taken = f"{kept}id:*{item.after}", item.before + value + item.after
        else:
            continue  # The value that stands there already may be none of this field.
        assert not understood(other) or understood(taken)


@given(st.sampled_from(sorted(LISTED)), printable, st.integers(0, 8), st.booleans())
def test_a_value_is_written_so_that_it_means_itself(field, value, typed, negated):
    assume(field is not Field.STATUS_CODE)
    begun = quoted(value[:typed])[:-1] if typed else ""
    found = suggested(
        f"{'-' * negated}{ENTRY_VOCABULARY.word_of(field).written}:{begun}¦", log_of(value)
    )
    taken = next(item for item in found.suggestions if item.shown == value)
    meant = Equals(field=field, value=value)
    assert parse(taken.before + taken.after) == (Not(part=meant) if negated else meant)


@pytest.mark.parametrize("status", ["0", "200", "599"])
def test_a_status_is_written_as_a_number(status):
    assert results("status:¦", log_of(status))[0] == f"status:{status} ¦"
    assert parse(f"status:{status}") == Equals(field=Field.STATUS_CODE, value=int(status))


def test_every_name_and_every_closed_value_leads_on():
    for item in suggested("¦").suggestions:
        assert item.more
        assert not re.search(r"\s", item.before)
        assert suggested(f"{item.before}¦").hint or suggested(f"{item.before}¦").suggestions
    for name in ("outcome", "category"):
        assert all(understood(text.replace(CURSOR, "")) for text in results(f"{name}:¦"))


def test_all_that_is_listed_can_be_listed():
    assert set(LISTED.values()) <= set(FACETS)
