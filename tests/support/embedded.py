"""A product of its own, in an empty folder, with one organization and nobody in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from audit_core.identity.memberships import ensure_organization
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings
from tests.support.new_state import new_state


@contextmanager
def embedded(folder: Path, organization_id: str) -> Iterator[Installation]:
    """DuckDB and SQLite, at the present time."""
    settings = Settings(
        log_url=f"duckdb:///{folder}/log.duckdb",
        state_url=f"sqlite:///{folder}/state.sqlite",
        key_file=folder / "secret.key",
        demo=False,
    )
    new_state(folder / "state.sqlite").close()
    with closing(open_installation(settings, utc_now)) as opened:
        with opened.state.begin() as connection:
            ensure_organization(connection, organization_id=organization_id, name=None)
        yield opened
