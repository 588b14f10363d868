"""`--from`, `--to` and `--zone`: the window of a command."""

from __future__ import annotations

from audit_core.domain.errors import FilterError
from audit_core.query.time.windows import Window, parse_instant


def window_between(since: str | None, until: str | None, zone: str) -> Window:
    """The fixed window of the options. Raises `FilterError` for what cannot be read."""
    try:
        return Window(
            preset=None,
            since=None if since is None else parse_instant(since),
            until=None if until is None else parse_instant(until),
            zone=zone,
        )
    except ValueError as error:
        raise FilterError(
            (f"The window cannot be read: {error}.",), "Correct --from, --to or --zone."
        ) from error
