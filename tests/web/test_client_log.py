"""Lines that clients cause: one of a kind in a window, and none goes uncounted."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.web import client_log
from audit_core.web.client_log import THROTTLED, ThrottledLines, throttle_client_lines

KINDS = ("Refused %s.", "Closed %s.", "Gave up on %s.")
WINDOW_S = 60.0


class Terminal(logging.Handler):
    """What was written, as the operator reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)

    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.lines]


class Clients:
    """A logger of its own whose lines are throttled, at a time that is given."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.terminal = Terminal()
        self.lines = ThrottledLines(WINDOW_S, lambda: self.now_s)
        self.logger = logging.getLogger(f"sandtrail.test-{id(self)}")
        self.logger.propagate = False
        self.logger.addHandler(self.terminal)
        self.logger.addFilter(self.lines)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 90)), max_size=60))
def test_every_line_is_written_or_counted_and_few_are_written(
    events: list[tuple[str, float]],
) -> None:
    clients = Clients()
    for number, (kind, pause) in enumerate(events):
        clients.now_s += pause
        clients.logger.warning(kind, number)
    clients.lines.summarize(all_now=True)
    told: Counter[str] = Counter()
    written: Counter[str] = Counter()
    for record in clients.terminal.lines:
        first_word = record.getMessage().split()[0]
        told[first_word] += getattr(record, "held_back", 1)
        written[first_word] += 1
    assert told == Counter(kind.split()[0] for kind, _ in events)
    windows = (clients.now_s - 1_000) / WINDOW_S
    assert all(number <= windows + 2 for number in written.values())


def test_what_was_held_back_is_told_with_its_number_and_the_last_of_it() -> None:
    clients = Clients()
    for number in range(5_000):
        clients.logger.warning("Refused a websocket of %s.", f"10.0.0.{number % 250}")
    assert clients.terminal.texts() == ["Refused a websocket of 10.0.0.0."]
    clients.now_s += WINDOW_S
    clients.lines.summarize()
    assert clients.terminal.texts()[1:] == [
        "Refused a websocket of 10.0.0.249. (the last of 4,999 such lines within 60 s)"
    ]


def test_lines_with_a_traceback_pass_since_each_has_an_id_of_its_own() -> None:
    clients = Clients()
    for number in range(3):
        try:
            raise ValueError(number)
        except ValueError:
            clients.logger.exception("Error %s", number)
    assert clients.terminal.texts() == ["Error 0", "Error 1", "Error 2"]


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """The loggers of the product, throttled for a moment each."""
    terminal = Terminal()
    lines = throttle_client_lines(0.2)
    loggers = [logging.getLogger(name) for name in THROTTLED]
    levels: dict[logging.Logger, int] = {}
    for logger in loggers:
        logger.addHandler(terminal)
        monkeypatch.setattr(logger, "propagate", False)
        # Servers of other tests have silenced theirs.
        monkeypatch.setattr(logger, "disabled", False)
        levels[logger] = logger.level
        logger.setLevel(logging.WARNING)
    yield terminal
    for logger in loggers:
        logger.setLevel(levels[logger])
        logger.removeHandler(terminal)
        logger.removeFilter(lines)


def test_the_number_is_told_also_when_no_other_line_follows(everywhere: Terminal) -> None:
    for name in THROTTLED:
        for _ in range(4):
            logging.getLogger(name).warning("Invalid request.")
    deadline = time.monotonic() + 20
    while len(everywhere.lines) < 2 * len(THROTTLED) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sorted(everywhere.texts()) == sorted(
        ["Invalid request.", "Invalid request. (the last of 3 such lines within 0.2 s)"]
        * len(THROTTLED)
    )


def test_all_of_the_api_writes_by_the_one_logger() -> None:
    folder = Path(client_log.__file__).parent
    users = [
        path.name
        for path in folder.rglob("*.py")
        if "getLogger" in path.read_text(encoding="utf-8")
    ]
    assert users == [Path(client_log.__file__).name]
