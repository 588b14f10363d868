"""The log's marks, kept in the state: a database that is lost for other reasons than the log."""

from __future__ import annotations

from collections.abc import Mapping

from audit_core.log.numbering import HEAD_NUMBERS, Head
from audit_core.state.database import State
from audit_core.state.high_water_marks import Mark, keep_marks, read_marks


class StateMarks:
    """See `audit_core.log.high_water_mark.Marks`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def read(self) -> Mapping[str, Head]:
        """Raises `StoreUnavailableError`."""
        with self._state.read() as connection:
            found = read_marks(connection)
        return {
            organization: Head(**{name: getattr(mark, name) for name in HEAD_NUMBERS})
            for organization, mark in found.items()
        }

    def keep(self, heads: Mapping[str, Head]) -> None:
        """Raises `StoreUnavailableError`."""
        marks = {
            organization: Mark(**{name: getattr(head, name) for name in HEAD_NUMBERS})
            for organization, head in heads.items()
        }
        with self._state.begin() as connection:
            keep_marks(connection, marks)
