"""Real collectors in front of the product: rsyslog and syslog-ng, with the very files of
docs/examples, and rotel by OTLP."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import httpx
import pytest

from audit_core.domain.access import Permission
from audit_core.ingest.files import open_file, read_records
from audit_core.ingest.records.located import LocatedEntry
from tests.ingest.otlp.test_log_records import LOGIN, record, request
from tests.support.app_process import ROOT, free_port
from tests.support.seeded import ALPHA, Seeded
from tests.web.conftest import app_of
from tests.web.served import served, wait_for

FOLDERS = ("/usr/sbin", "/opt/rsyslog/usr/sbin")
RECORD = {
    "id": "e1",
    "actorId": "u",
    "action": "start",
    "organizationId": ALPHA,
    "statusCode": 200,
    "errorMessage": "é \n " + "x" * 10_000,
    "createdAt": "2025-07-31T08:15:27.123Z",
}
HEADER = '<14>1 2025-07-31T08:15:27.123456+02:00 host daytona 12 - [origin ip="10.0.0.1"] '
MESSAGES = (
    f"{HEADER}AUDIT_ENTRY: {json.dumps(RECORD)}",
    f"{HEADER}Starting Nest application...",
    f"{HEADER}AUDIT_ENTRY: {json.dumps({**RECORD, 'id': 'e2'}, ensure_ascii=False)}",
)


def program(name: str) -> str:
    """Where a program is. Without it the test is skipped, or fails where it is required."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS]))
    if found is None:
        reason = f"There is no {name} on this machine; .ci/run says how to install it."
        if os.environ.get("SANDTRAIL_REQUIRE_SENDERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def collecting(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """The program, which has been sent the messages."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: _sent(port) or process.poll() is not None, seconds=30)
        assert process.poll() is None, (folder / "output").read_text()
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _sent(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall("".join(f"{message}\n" for message in MESSAGES).encode())
    except ConnectionRefusedError:
        return False
    return True


def configured(example: str, folder: Path, *changes: tuple[str, str]) -> tuple[Path, int]:
    """The example of the documents with other addresses, and the port that it listens on."""
    port = free_port()
    text = (ROOT / "docs/examples" / example).read_text(encoding="utf-8")
    for old, new in (("5514", str(port)), *changes):
        assert old in text
        text = text.replace(old, new)
    file = folder / example
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file, port


def test_rsyslog_writes_a_file_that_is_read(tmp_path: Path) -> None:
    executable = Path(program("rsyslogd"))
    written = tmp_path / "audit.log"
    file, port = configured("rsyslog.conf", tmp_path, ("/var/log/daytona-audit.log", str(written)))
    command = [str(executable), "-n", "-f", str(file), "-i", str(tmp_path / "pid")]
    modules = [*executable.parents[1].glob("lib/*/rsyslog")]
    if modules:
        command += ["-M", str(modules[0])]
    with collecting(command, port, tmp_path):
        wait_for(lambda: written.exists() and written.read_bytes().count(b"\n") == 2, seconds=20)
    with open_file(str(written)) as opened:
        readings = [*read_records(opened.stream, opened.name)]
    for number, reading in enumerate(readings, 1):
        assert isinstance(reading, LocatedEntry), reading
        assert (reading.location, reading.entry.id) == (f"audit.log:{number}", f"e{number}")
        assert reading.entry.error_message == RECORD["errorMessage"]
        assert json.loads(reading.entry.metadata or "") == {
            "syslog": {"origin": {"ip": "10.0.0.1"}}
        }


def test_syslog_ng_sends_over_http(tmp_path: Path, seeded: Seeded) -> None:
    executable = program("syslog-ng")
    token = seeded.token(ALPHA, Permission.INGEST.value)
    with served(app_of(seeded.installation)) as server:
        file, port = configured(
            "syslog-ng.conf", tmp_path, ("localhost:8501", f"127.0.0.1:{server}"), ("TOKEN", token)
        )
        command = [executable, "-F", "--no-caps", "-f", str(file)]
        for option, name in (("-R", "persist"), ("-c", "control"), ("-p", "pid")):
            command += [option, str(tmp_path / name)]
        with collecting(command, port, tmp_path):
            wait_for(lambda: seeded.installation.log.head(ALPHA) == 2, seconds=20)
    (event, *_) = seeded.events("ingest")
    assert event.detail["rejected"] == 0


def rotel() -> str:
    """The collector that comes as a wheel. Where there is none for this machine, or it does not
    start here, the test is skipped: it is an alpha."""
    try:
        agent = distribution("rotel").locate_file("rotel/rotel-agent")
    except PackageNotFoundError:
        pytest.skip("There is no rotel for this machine.")
    if subprocess.run([str(agent), "--version"], capture_output=True).returncode != 0:
        pytest.skip("rotel does not start here: it needs the system's libpython.")
    return str(agent)


def test_a_collector_hands_on_by_otlp(tmp_path: Path, seeded: Seeded) -> None:
    agent = rotel()
    token = seeded.token(ALPHA, Permission.INGEST.value)
    logs = request(*(record("x", LOGIN, time_unix_nano=10**18 + number) for number in range(5)))
    with served(app_of(seeded.installation)) as server:
        http, grpc = free_port(), free_port()
        settings = {
            "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http}",
            "OTLP_GRPC_ENDPOINT": f"127.0.0.1:{grpc}",
            "EXPORTER": "otlp",
            "OTLP_EXPORTER_PROTOCOL": "http",
            "OTLP_EXPORTER_ENDPOINT": f"http://127.0.0.1:{server}/api/otlp",
            "OTLP_EXPORTER_CUSTOM_HEADERS": f"Authorization=Bearer {token}",
            "PID_FILE": str(tmp_path / "pid"),
            "LOG_FILE": str(tmp_path / "log"),
        }
        environment = {f"ROTEL_{name}": value for name, value in settings.items()}
        process = subprocess.Popen([agent, "start"], env={**os.environ, **environment})

        def sent() -> bool:
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{http}/v1/logs",
                    content=logs.SerializeToString(),
                    headers={"content-type": "application/x-protobuf"},
                )
            except httpx.ConnectError:
                return False
            return answer.status_code == 200

        try:
            wait_for(sent, seconds=20)
            wait_for(lambda: seeded.installation.log.head(ALPHA) == 5, seconds=20)
        finally:
            process.terminate()
            process.wait(timeout=20)
