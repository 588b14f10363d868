"""Readiness writes to both databases, seldom, and says which one refuses; life is only life."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from audit_core.domain.errors import AuditError, SettingsError, StoreUnavailableError
from audit_core.installation.readiness import KEPT_S, Finding, Readiness, Report, check
from audit_core.log.store import open_log
from audit_core.runtime.version import product_version
from audit_core.sources.source import add_source, hold, note_progress
from tests.support.seeded import ALPHA, open_seeded
from tests.support.strategies import entry, sample_entries
from tests.web.conftest import make_client


def test_an_installation_that_works_is_ready(client, seeded):
    for _ in range(3):
        answer = client.get("/api/health")
        assert (answer.status_code, answer.json()) == (
            200,
            {"status": "ok", "version": product_version(), "warnings": []},
        )
    assert seeded.installation.log.head(None) == 0


def test_below_the_floor_of_free_space_it_is_not_ready(tmp_path):
    seeded = open_seeded(tmp_path, free_space_floor_mb=10**9)
    answer = make_client(seeded.installation).get("/api/health")
    seeded.installation.close()
    assert answer.status_code == 503
    (failing,) = answer.json()["failing"]
    assert failing["part"] == "log"
    assert "entries are accepted from" in failing["reason"]


def test_a_state_that_takes_no_writes_is_not_ready_and_alive(client, seeded, tmp_path):
    with seeded.installation.state.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER refuse BEFORE UPDATE ON health_check "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
        connection.execute(text("INSERT INTO health_check VALUES (1, '2026-01-01')"))
    answer = client.get("/api/health")
    assert answer.status_code == 503
    assert [item["part"] for item in answer.json()["failing"]] == ["state"]
    assert str(tmp_path) not in answer.text
    assert client.get("/api/live").json() == {"status": "alive"}


def test_a_closed_log_is_not_ready(client, seeded):
    seeded.installation.log.close()
    assert [item["part"] for item in client.get("/api/health").json()["failing"]] == ["log"]


def test_what_cannot_be_opened_is_not_ready_and_alive(tmp_path):
    client = make_client(SettingsError("A setting is wrong.", "Mend it."))
    answer = client.get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["failing"] == [{"part": "start", "reason": "A setting is wrong."}]
    assert client.get("/api/live").status_code == 200


def test_entries_without_any_account_are_a_warning(seeded):
    seeded.installation.log.append([entry("a")])
    assert check(lambda: seeded.installation) == Report()
    with seeded.installation.state.begin() as connection:
        for table in ("membership", "account"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    report = check(lambda: seeded.installation)
    assert report.failing == ()
    (warning,) = report.warnings
    assert warning.part == "state"
    assert "account add" in warning.reason


def test_a_stopped_source_is_a_warning_that_names_nobody(client, seeded):
    with seeded.installation.state.begin() as connection:
        source = add_source(
            connection,
            organization_id=ALPHA,
            name="Daytona of Alpha",
            url="https://daytona.example/api",
            sealed_key="sealed",
            policy=None,
            actor="somebody",
            now=seeded.clock(),
        )
        hold(connection, source.id, holder="h", now=seeded.clock())
        note_progress(
            connection, source.id, holder="h", problem="Refused.", hint="Act.", stopped=True
        )
    answer = client.get("/api/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    (warning,) = answer.json()["warnings"]
    assert warning["part"] == "sources" and warning["reason"].startswith("1 source is stopped.")
    assert "Alpha" not in answer.text and ALPHA not in answer.text


def test_an_answer_is_kept_for_five_seconds_and_many_probes_cost_one_check():
    now_s = [0.0]
    checks = []
    released = threading.Event()

    def find():
        checks.append(now_s[0])
        released.wait(10)
        return Report(failing=(Finding(part="log", reason=f"{len(checks)}"),))

    readiness = Readiness(find, lambda: now_s[0])
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(readiness.report) for _ in range(20)]
        while not checks:
            time.sleep(0.001)
        released.set()
        assert {item.result().failing[0].reason for item in asked} == {"1"}
    for now_s[0], expected in ((KEPT_S - 0.1, 1), (KEPT_S, 2), (2 * KEPT_S - 0.1, 2)):
        readiness.report()
        assert len(checks) == expected


@pytest.mark.parametrize("engine", ["duckdb", "postgresql", "clickhouse"])
def test_a_check_writes_but_no_entry(engine, engines, clock):
    log = open_log(engines.new_url(engine), clock=clock)
    log.append(sample_entries(20))
    head = log.head(None)
    for _ in range(3):
        log.check()
    assert log.head(None) == head
    with log._engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM log_check").scalar()
    assert found >= 1
    assert log.append([entry("more")]).accepted == 1
    log.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        log.check()


def test_findings_hold_no_path_and_no_credential(seeded):
    def refuse() -> None:
        raise AuditError("The disk is full.", "See /somewhere/else.")

    class Log:
        check = staticmethod(refuse)
        head = staticmethod(lambda organization_id: 0)

    report = check(lambda: replace(seeded.installation, log=Log()))
    assert report.failing == (Finding(part="log", reason="The disk is full."),)
