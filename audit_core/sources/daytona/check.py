"""Whether a source can be read, by asking it once."""

from __future__ import annotations

from audit_core.sources.daytona.answers import read_page
from audit_core.sources.daytona.client import DaytonaClient, Request


def count_entries(client: DaytonaClient) -> int:
    """How many entries Daytona says that it has. Raises what is wrong, as `DaytonaClient.ask`
    does, or `AnswerUnreadable`."""
    return read_page(client.ask(Request(limit=1)).body, "the first entry").total
