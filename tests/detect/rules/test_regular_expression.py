"""Expressions mean the same once they are written anew."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.detect.rules.regular_expression import portable
from tests.support.laws import law

pieces = st.sampled_from(
    ["a", "B", ".", r"\d", r"\S", "[a-c]", "[^b]", "(ab|c)", "^", "$", " ", r"\.", "-", "x{2}"]
)
expressions = st.lists(
    st.tuples(pieces, st.sampled_from(["", "", "*", "+", "?", "{1,2}", "*?"])), max_size=5
).map(lambda parts: "".join(piece + more for piece, more in parts))


@law(400)
@given(
    text=expressions,
    searched=st.text("abcABC x.-1\n", max_size=8),
    ignore_case=st.booleans(),
    dot_all=st.booleans(),
)
def test_an_expression_finds_what_python_finds(text, searched, ignore_case, dot_all):
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0) | (re.DOTALL if dot_all else 0)
    try:
        # Python's dollar also stands before a line's end.
        meant = re.compile(text.replace("$", r"\Z"), flags)
    except re.error:
        with pytest.raises(ValueError, match="no regular expression"):
            portable(text, ignore_case=ignore_case, dot_all=dot_all)
        return
    try:
        written = portable(text, ignore_case=ignore_case, dot_all=dot_all)
    except ValueError as error:
        assume("too large" not in str(error) and "possessive" not in str(error))
        raise
    found = re.search(written.replace("$", r"\Z"), searched)
    assert bool(found) is bool(meant.search(searched))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(", "no regular expression"),
        ("(?=a)", "look-ahead"),
        (r"(a)\1", "reference to a group"),
        ("(?m)^a", "Flags within"),
        ("(?i)a", "modifier `re|i`"),
        ("(?i:a)", "Flags of a group"),
        (r"[a\D]", "among others"),
        ("a{2000}", "repetitions"),
        ("(a{900}){900}", "too large"),
        ("a" * 2001, "longer"),
    ],
)
def test_what_not_every_engine_understands_is_refused(text, said):
    with pytest.raises(ValueError, match=said.replace("|", r"\|")):
        portable(text, ignore_case=False, dot_all=False)
