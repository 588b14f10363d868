"""Writes anew what still holds old bytes of people who were erased."""

from __future__ import annotations

from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.erasure import Stage
from audit_core.evidence.erasures.tools import ErasureTools

AT_ONCE = 1_000


def rewrite(tools: ErasureTools) -> int:
    """Have files written anew as far as that can be done while they are open; how many erasures are
    done with that. An embedded log's file is written anew when it is next opened. Raises
    `AuditError`."""
    with tools.state.read() as connection:
        found = store.in_stages(connection, (Stage.REWRITING,), limit=AT_ONCE)
    if not found or not (tools.log.erasing.write_anew() and tools.state.write_anew()):
        return 0
    now = tools.clock()
    with tools.state.begin() as connection:
        # What was erased meanwhile is written anew the next time.
        for one in found:
            done = store.change(connection, one, stage=Stage.DONE.value, done_at=now)
            store.note(connection, done, "erasure.completed", actor=store.BY_ITSELF, now=now)
    return len(found)
