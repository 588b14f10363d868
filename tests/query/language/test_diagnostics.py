import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.query.language.diagnostics import QueryProblem, mark


@pytest.mark.parametrize(
    ("text", "start", "end", "lines"),
    [
        ("acton:start", 0, 5, ("acton:start", "^^^^^")),
        ("a OR", 2, 4, ("a OR", "  ^^")),
        ("a", 1, 1, ("a", " ^")),
        ("", 0, 0, ("", "^")),
        ("a\nb\tc x", 6, 7, ("a␊b␉c x", "      ^")),
        ("日本 x", 3, 4, ("日本 x", "     ^")),
        ("日本 x", 0, 2, ("日本 x", "^^^^")),
        ("e\u0301 x", 3, 4, ("e\u0301 x", "  ^")),
        ("a\u202eb", 1, 3, ("a·b", " ^^")),
        ("a\ud800", 1, 2, ("a·", " ^")),
        ("a", 5, 9, ("a", " ^")),
    ],
)
def test_a_problem_is_marked_below_the_text(text, start, end, lines):
    problem = QueryProblem(start=start, end=end, message="M.", hint="H.")
    assert mark(text, problem) == "\n".join(lines)


@given(st.text(), st.integers(0, 50), st.integers(0, 50))
def test_a_mark_has_two_lines_whatever_the_text(text, start, length):
    problem = QueryProblem(start=start, end=start + length, message="M.", hint="H.")
    lines = mark(text, problem).splitlines()
    assert len(lines) == 2
    assert "^" in lines[1]
