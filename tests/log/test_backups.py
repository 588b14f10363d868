"""The backups that docs/scaling.md describes, each made and restored."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.log.store import open_log
from audit_core.transfer.transfer import LocalOrigin, digest_of, transfer
from tests.support.strategies import NOW, entry, sample_entries

EVERYTHING = Scope.everything()
ROOT = Path(__file__).parents[2]


def opened(url):
    return open_log(url, clock=lambda: NOW)


def filled(url):
    """The digest of a log that is made there."""
    log = opened(url)
    log.append([*sample_entries(2000), entry("open", status_code=None)])
    digest = digest_of(log, EVERYTHING)
    log.close()
    return digest


def assert_restored(url, digest):
    """It holds the same, and goes on."""
    log = opened(url)
    assert digest_of(log, EVERYTHING) == digest
    report = log.append([entry("open", status_code=200), entry("new"), *sample_entries(20)])
    assert (report.finished, report.accepted, report.known) == (1, 1, 20)
    log.close()


def test_the_file_of_a_closed_log_is_its_backup(tmp_path):
    digest = filled(f"duckdb:///{tmp_path}/log.duckdb")
    shutil.copy(tmp_path / "log.duckdb", tmp_path / "restored.duckdb")
    assert_restored(f"duckdb:///{tmp_path}/restored.duckdb", digest)


@pytest.mark.parametrize("engine", ["duckdb", "postgresql", "clickhouse"])
def test_a_copy_into_a_file_is_a_backup_of_any_engine(engine, engines, tmp_path):
    url, backup = engines.new_url(engine), f"duckdb:///{tmp_path}/backup.duckdb"
    digest = filled(url)
    restored = engines.new_url(engine)
    for source, target in ((url, backup), (backup, restored)):
        origin, log = opened(source), opened(target)
        report = transfer(LocalOrigin(origin, EVERYTHING), log, EVERYTHING)
        assert report.differences == ()
        origin.close()
        log.close()
    assert_restored(restored, digest)


@pytest.mark.parametrize("role", ["postgres", "sandtrail"])
def test_a_dump_of_postgresql_is_restored(role, engines, tmp_path):
    """By a superuser, and by the ordinary owner, who must say that all may be seen."""
    url, restored = engines.new_url("postgresql"), engines.new_url("postgresql")
    digest = filled(url)
    place, _, host = url.partition("?host=")
    names = [address.rpartition("/")[2] for address in (place, restored.partition("?")[0])]
    common = ("--host", host, "--username", role)
    owner = ("--enable-row-security",) if role == "sandtrail" else ()
    environment = {
        **os.environ,
        "PGOPTIONS": "-c sandtrail.every_organization=on" if owner else "",
    }
    for command in (
        ("pg_dump", *common, *owner, "--format=custom", "--file", "log.dump", names[0]),
        ("pg_restore", *common, *owner, "--exit-on-error", "--dbname", names[1], "log.dump"),
    ):
        program = [str(engines.programs / command[0]), *command[1:]]
        subprocess.run(program, check=True, cwd=tmp_path, env=environment)
    assert_restored(restored, digest)


FILL = """
import json, sys
from tests.log.test_backups import filled
digest = filled(sys.argv[1])
print(json.dumps([[*day, each.count, each.first, each.second] for day, each in digest.items()]))
"""

BACK_UP = """
import sys, clickhouse_connect
client = clickhouse_connect.get_client(
    interface="chdb", path=sys.argv[1], chdb_options={"config-file": sys.argv[2]}
)
for statement in ("BACKUP DATABASE log TO File('log')",
                  "RESTORE DATABASE log AS restored FROM File('log')"):
    print(client.query(statement).result_rows)
"""

CHECK = """
import json, sys
from audit_core.transfer.transfer import Digest
from tests.log.test_backups import assert_restored
days = json.loads(sys.argv[2])
assert_restored(sys.argv[1], {
    (organization, day): Digest(count=count, first=first, second=second)
    for organization, day, count, first, second in days
})
"""


def test_a_backup_of_clickhouse_is_restored(tmp_path):
    """In processes of their own: a process has one ClickHouse engine, with one configuration."""
    folder, config = tmp_path / "clickhouse", tmp_path / "config.xml"
    config.write_text(
        f"<clickhouse><backups><allowed_path>{tmp_path}/backups/</allowed_path></backups>"
        "</clickhouse>"
    )

    def run(script, *arguments):
        result = subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return result.stdout

    def url(name):
        return f"clickhousedb:///{name}?interface=chdb&path={folder}"

    days = json.loads(run(FILL, url("log")))
    assert "RESTORED" in run(BACK_UP, folder, config)
    run(CHECK, url("restored"), json.dumps(days))
