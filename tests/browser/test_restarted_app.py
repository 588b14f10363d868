"""Entries sent to an app that is stopped and started again midway."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit_core.domain.access import Permission
from audit_core.identity.api_tokens import add_token
from audit_core.identity.memberships import ensure_organization
from audit_core.ingest.http_client import RemoteLog
from audit_core.log.store import open_log
from audit_core.state.database import open_state
from tests.evidence.nasty_entries import made
from tests.support.app_process import free_port, running

ENTRIES = 6_000


def test_a_restart_of_the_app_loses_nothing_and_stops_nobody(tmp_path: Path) -> None:
    environment = {
        "SANDTRAIL_LOG_URL": f"duckdb:///{tmp_path / 'log.duckdb'}",
        "SANDTRAIL_STATE_URL": f"sqlite:///{tmp_path / 'state.sqlite'}",
        "SANDTRAIL_KEY_FILE": str(tmp_path / "secret.key"),
        "SANDTRAIL_DEMO": "0",
        "SANDTRAIL_FREE_SPACE_FLOOR_MB": "0",
    }
    state = open_state(environment["SANDTRAIL_STATE_URL"])
    now = datetime.now(UTC)
    with state.begin() as connection:
        ensure_organization(connection, organization_id="org-alpha")
        _, token = add_token(
            connection,
            organization_id="org-alpha",
            name="collector",
            verbs=frozenset({Permission.INGEST.value}),
            now=now - timedelta(minutes=1),
            expires_at=None,
        )
    state.close()
    port = free_port()
    told: list[str] = []
    entries = [made(number) for number in range(2 * ENTRIES)]
    log = RemoteLog(f"http://127.0.0.1:{port}", token, sleep=time.sleep, notify=told.append)
    with running(environment, tmp_path / "first.txt", port=port):
        assert log.append(entries[:ENTRIES]).accepted == ENTRIES
    reports = []
    sending = threading.Thread(target=lambda: reports.append(log.append(entries[ENTRIES:])))
    sending.start()
    with running(environment, tmp_path / "second.txt", port=port):
        sending.join(70)
        assert [report.accepted for report in reports] == [ENTRIES]
    assert len(told) == 1
    stored = open_log(environment["SANDTRAIL_LOG_URL"])
    try:
        assert stored.head("org-alpha") >= 2 * ENTRIES
    finally:
        stored.close()
