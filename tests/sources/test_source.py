"""Sources as the state keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from audit_core.sources.source import sources_with_progress
from audit_core.state.database import open_state
from tests.support.new_state import older_state

AT = datetime(2026, 5, 4, tzinfo=UTC)


def test_sources_of_the_time_before_keep_how_far_they_were_read(tmp_path: Path) -> None:
    """They were added at the command line, so their addresses are the operator's."""
    file = tmp_path / "old.sqlite"
    with older_state(file, "0013") as before:
        before.execute(text("INSERT INTO organization (id, name) VALUES ('org-a', 'Alpha')"))
        for name in ("a", "b"):
            before.execute(
                text(
                    "INSERT INTO source (id, organization_id, name, url, sealed_key, "
                    "requests_per_minute, paused, created_at, created_by) VALUES "
                    "(:name, 'org-a', :name, 'http://10.0.0.1/api', 's', 300, 0, "
                    "'2026-05-04 00:00:00.000000', 'x')"
                ),
                {"name": name},
            )
            before.execute(
                text(
                    "INSERT INTO source_progress (source_id, accepted, newest, checkpoint) "
                    "VALUES (:name, 7, '2026-05-04 00:00:00.000000', '{}')"
                ),
                {"name": name},
            )
    state = open_state(f"sqlite:///{file}")
    try:
        with state.read() as connection:
            found = sources_with_progress(connection, "org-a")
    finally:
        state.close()
    assert [(one.name, one.remote_organization_id, one.any_address) for one, _ in found] == [
        ("a", "org-a", True),
        ("b", "org-a", True),
    ]
    assert {(how.accepted, how.newest, how.checkpoint) for _, how in found} == {(7, AT, "{}")}
