"""What Alembic runs: the revisions, on the connection that `open_state` hands over.

The transaction is the caller's, so an interrupted migration leaves nothing behind.
"""

from __future__ import annotations

from alembic import context

from audit_core.state.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things in place.
    render_as_batch=True,
)
context.run_migrations()
