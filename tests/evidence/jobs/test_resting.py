"""An export rests while others work, and only then."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from audit_core.domain.access import Scope
from audit_core.evidence.jobs import resting
from audit_core.evidence.jobs.making import STEP_WAIT_S
from audit_core.evidence.jobs.resting import LONGEST_S, Resting
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.schema import entries
from audit_core.log.store import AuditLog, open_log
from tests.support.strategies import NOW, entry


def read(log: AuditLog) -> None:
    scope = Scope(organization_id="org-alpha")
    log.fetch(entries.select().where(entries.c.organization_id == "org-alpha"), scope, max_rows=1)


def test_it_rests_once_for_what_others_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    patient = SimpleNamespace(sleep=slept.append, monotonic=time.monotonic)
    monkeypatch.setattr(resting, "time", patient)
    with closing(open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: NOW)) as log:
        rest = Resting(log)
        rest()
        with reading_in(ReadContext(wait_s=STEP_WAIT_S)):
            read(log)
        rest()
        assert slept == []
        read(log)
        rest()
        rest()
        assert len(slept) == 1
        log.append([entry("1")])
        rest()
        assert len(slept) == 2
        assert all(0 <= seconds <= LONGEST_S for seconds in slept)
