import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.query.keyset import Cursor, OutdatedCursorError
from tests.support.strategies import cursors


@given(cursors)
def test_a_cursor_survives_the_address_of_the_page(cursor):
    assert Cursor.from_param(cursor.to_param()) == cursor


@given(st.text() | st.from_regex(r"(older|newer)~.*~[0-9]+"))
def test_garbage_gives_a_value_error_only(text):
    try:
        Cursor.from_param(text)
    except ValueError as error:
        assert str(error)


def test_a_cursor_with_numbers_of_the_whole_log_is_told_from_others():
    with pytest.raises(OutdatedCursorError, match="an earlier version of Sandtrail"):
        Cursor.from_param("older~2026-01-01T00:00:00Z~123456789")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "older",
        "older~2026-01-01T00:00:00Z",
        "older~2026-01-01T00:00:00Z~1~3",
        "older~2026-01-01T00:00:00Z~1~2~",
        "sideways~2026-01-01T00:00:00Z~1~2",
        "older~2026-01-01T00:00:00Z~-1~2",
        "older~2026-01-01T00:00:00Z~1234567890123456789~2",
        "older~2026-01-01T00:00:00~1~2",
        "older~0001-01-01T00:00:00+14:00~1~2",
        "newer~9999-12-31T23:59:59-14:00~1~2",
    ],
)
def test_no_cursor_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match=r"\w"):
        Cursor.from_param(text)
