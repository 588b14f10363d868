import io
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.terminal_text import make_logs_printable, printable, printable_lines

HOSTILE = "\x1b[2J\x1b]0;title\x07\r\x9b31m\x08\u202eevil\u2066\nforged: all is well\x7f"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a logger writes, once logs are printable."""
    before = logging.getLogRecordFactory()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger = logging.getLogger("tests.printable")
    logger.addHandler(handler)
    logger.propagate = False
    make_logs_printable()
    yield written
    logging.setLogRecordFactory(before)
    logger.removeHandler(handler)


@given(st.text(alphabet=st.characters() | st.sampled_from(HOSTILE)))
def test_nothing_that_a_terminal_acts_on_is_left_and_plain_text_stays(text: str) -> None:
    assert printable(text).isprintable()
    for line in printable_lines(text).split("\n"):
        assert line.replace("\t", "").isprintable()
    if text.isprintable():
        assert printable(text) == printable_lines(text) == text


def test_control_characters_are_written_out() -> None:
    assert printable("a\x1b[31m\n\u202e\x9b") == r"a\x1b[31m\n\u202e\x9b"
    assert printable_lines("a\n\tb\r") == "a\n\tb\\r"


def test_a_log_line_quotes_what_others_sent(stream: io.StringIO) -> None:
    logger = logging.getLogger("tests.printable")
    logger.warning("Refused %s, %d times: %r", HOSTILE, 3, HOSTILE)
    logger.warning("mapped %(path)s", {"path": HOSTILE})
    logger.warning(f"put in {HOSTILE}")  # As a library may do.
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("WARNING: Refused \\x1b[2J")
    assert "3 times" in lines[0]
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert lines[3].startswith("forged"), "only the line that holds its own line ends"


def test_so_does_the_error_below_it(stream: io.StringIO) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("tests.printable").exception("It failed")
    assert "ValueError: \\x1b[2J" in stream.getvalue()
    assert all(line.isprintable() for line in stream.getvalue().split("\n"))
