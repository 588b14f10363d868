"""Each thing that can be wrong with a file is told in a sentence of its own, and its cause at the
terminal: for the log, for the state and for the key, in every command and when the app starts."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core import __main__
from audit_core.domain.errors import StorageFullError
from audit_core.log.store import Limits, open_log
from audit_core.runtime import database_faults
from audit_core.runtime.database_faults import (
    REPEATED_AFTER_S,
    CauseReporter,
    Fault,
    described_error,
    fault_of_system,
    first_line,
    log_named,
)
from audit_core.state.database import open_state
from tests.support.app_process import ROOT, free_port
from tests.support.small_disk import small_disk
from tests.support.strategies import sample_entries

FILES = {"log": "log/log.duckdb", "state": "state/state.sqlite", "key": "key/secret.key"}
NOBODY = 65534


@pytest.fixture(autouse=True)
def _new_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test has told is told again."""
    monkeypatch.setattr(database_faults.REPORTER, "_told_at", {})


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that other users reach, with an installation in it."""
    folder = Path(tempfile.mkdtemp(prefix="sandtrail-faults-"))
    data = folder / "data"
    for name, value in settings_of(data).items():
        monkeypatch.setenv(name, value)
    log = open_log(f"duckdb:///{data / FILES['log']}")
    log.append(sample_entries(2000))
    log.close()
    open_state(f"sqlite:///{data / FILES['state']}").close()
    (data / FILES["key"]).parent.mkdir()
    (data / FILES["key"]).write_bytes(b"k" * 32)
    (data / FILES["key"]).chmod(0o600)
    yield data
    shutil.rmtree(folder)


def settings_of(data: Path) -> dict[str, str]:
    return {
        "SANDTRAIL_LOG_URL": f"duckdb:///{data / FILES['log']}",
        "SANDTRAIL_STATE_URL": f"sqlite:///{data / FILES['state']}",
        "SANDTRAIL_KEY_FILE": str(data / FILES["key"]),
        "SANDTRAIL_DEMO": "0",
        "SANDTRAIL_FREE_SPACE_FLOOR_MB": "0",
    }


def command(
    words: tuple[str, ...],
    capture: pytest.CaptureFixture[str],
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[int, str]:
    """The exit code of a command, run in this process, and what it says on standard error."""
    monkeypatch.setattr(sys, "argv", ["audit_core", *words])
    capture.readouterr()
    log.clear()
    try:
        __main__.main()
    except SystemExit as end:
        code = int(end.code or 0)
    else:
        code = 0
    # Under pytest, what is logged goes to its own handler.
    return code, capture.readouterr().err + log.text


COMMANDS = {
    "log": (("prepare",), ("export", "--format", "csv", "--output", os.devnull)),
    "state": (("prepare",), ("account", "list")),
    "key": (("prepare",),),
}
"""Commands that open the file."""


def replaced(content: bytes) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(content) and None


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def in_a_file(file: Path) -> None:
    """Where the folder should be there is a file."""
    shutil.rmtree(file.parent)
    file.parent.write_text("")


def of_sqlite(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()


def of_duckdb(file: Path) -> None:
    file.unlink()
    duckdb.connect(str(file)).close()


def flipped(position: int) -> Callable[[Path], None]:
    def flip(file: Path) -> None:
        content = bytearray(file.read_bytes())
        part = slice(position, position + 200)
        content[part] = bytes(255 - byte for byte in content[part])
        file.write_bytes(content)

    return flip


def halved(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def foreign(file: Path) -> None:
    """It belongs to somebody else; all else does not."""
    top = file.parent.parent.parent
    for path in (top, *top.rglob("*")) if os.geteuid() == 0 else ():
        os.chown(path, NOBODY, NOBODY)
    if os.geteuid() == 0:
        os.chown(file, 0, 0)
    else:
        file.chmod(0)


def closed_folder(file: Path) -> None:
    """The file is to be made where nothing may be made."""
    foreign(file)
    file.unlink()
    if os.geteuid() == 0:
        os.chown(file.parent, 0, 0)
    file.parent.chmod(0o555)


BROKEN = [
    ("log", "a text", replaced(b"no database " * 999), "another kind of file", "not a valid"),
    ("log", "an empty file", replaced(b""), "another kind of file", "not a valid"),
    ("log", "SQLite", of_sqlite, "another kind of file", "Permission Error"),
    ("log", "a folder", as_folder, "it is a folder, not a file", "directory"),
    ("log", "no folder", in_a_file, "its folder does not exist", "exists"),
    ("log", "flipped bits", flipped(5000), "is damaged", "checksum"),
    ("log", "a flipped first block", flipped(100), "is damaged", "checksum"),
    ("log", "half of it", halved, "ends too early", "Could not read enough bytes"),
    ("log", "another owner", foreign, "permission denied", "Permission denied"),
    ("log", "a closed folder", closed_folder, "permission denied", "Permission denied"),
    ("state", "a text", replaced(b"no database " * 999), "another kind of file", "not a database"),
    ("state", "DuckDB", of_duckdb, "another kind of file", "not a database"),
    ("state", "a folder", as_folder, "it is a folder, not a file", "directory"),
    ("state", "no folder", in_a_file, "folder does not exist", "exists"),
    ("state", "flipped bits", flipped(4096), "is damaged", "malformed"),
    ("state", "half of it", halved, "is damaged", "malformed"),
    ("state", "another owner", foreign, "permission denied", "unable to open"),
    ("state", "a closed folder", closed_folder, "permission denied", "Permission denied"),
    ("key", "a folder", as_folder, "it is a folder, not a file", "directory"),
    ("key", "too short a key", replaced(b"short"), "holds 5 bytes; a key has 32", ""),
    ("key", "another owner", foreign, "permission denied", "Permission denied"),
]


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user who owns nothing here; root could read and write everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("part", "breaking", "sentence", "cause"),
    [(part, breaking, sentence, cause) for part, _, breaking, sentence, cause in BROKEN],
    ids=[f"{part}: {name}" for part, name, *_ in BROKEN],
)
def test_each_fault_has_its_sentence_and_its_cause(
    part, breaking, sentence, cause, folder, capfd, caplog, monkeypatch
):
    file = folder / FILES[part]
    breaking(file)
    kept_out = breaking in (foreign, closed_folder)
    for words in COMMANDS[part]:
        with as_nobody() if kept_out else nullcontext():
            code, said = command(words, capfd, caplog, monkeypatch)
        assert code == 2, said
        assert file.name in said
        assert sentence in " ".join(said.split())
        assert cause in said
        assert "restore" not in said or "damaged" in said, said
        assert "Traceback" not in said
        monkeypatch.setattr(database_faults.REPORTER, "_told_at", {})


def test_a_full_disk_is_no_reason_to_restore_anything(folder, tmp_path, capfd, caplog, monkeypatch):
    with small_disk(tmp_path / "disk", 8) as disk:
        monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{disk.folder}/log.duckdb")
        disk.fill()
        code, said = command(("prepare",), capfd, caplog, monkeypatch)
        assert code == 2
        assert "The disk of the log log.duckdb is full" in said
        assert "No space left on device" in said
        disk.make_room()
        assert command(("prepare",), capfd, caplog, monkeypatch)[0] == 0
        log = open_log(f"duckdb:///{disk.folder}/log.duckdb", limits=Limits(free_space_floor_mb=0))
        stored = log.append(sample_entries(500)).accepted
        disk.fill()
        with pytest.raises(StorageFullError, match="is full"):
            log.append(sample_entries(60_000))
        disk.make_room()
        log.close()
        log = open_log(f"duckdb:///{disk.folder}/log.duckdb", limits=Limits(free_space_floor_mb=0))
        assert log.append(sample_entries(500)).known == stored
        log.close()
        monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{folder / FILES['log']}")
        monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{disk.folder}/state.sqlite")
        disk.fill()
        code, said = command(("account", "list"), capfd, caplog, monkeypatch)
        assert code == 2
        assert "The disk of the state database state.sqlite is full" in said
        assert "restored" in said


def test_a_file_system_that_is_read_only_is_named(folder, tmp_path, capfd, caplog, monkeypatch):
    with small_disk(tmp_path / "disk", 30) as disk:
        for part in ("log", "state"):
            shutil.copy(folder / FILES[part], disk.folder)
        disk.set_read_only(True)
        for setting, engine, name, words in (
            ("SANDTRAIL_LOG_URL", "duckdb", "log.duckdb", ("prepare",)),
            ("SANDTRAIL_STATE_URL", "sqlite", "state.sqlite", ("account", "list")),
        ):
            kept = os.environ[setting]
            monkeypatch.setenv(setting, f"{engine}:///{disk.folder}/{name}")
            code, said = command(words, capfd, caplog, monkeypatch)
            assert code == 2
            assert f"{name} cannot be written: it lies on something that is read-only" in said
            assert "ead-only file system" in said or "unable to open" in said
            monkeypatch.setenv(setting, kept)


@pytest.mark.parametrize(
    ("part", "breaking", "sentence", "cause"),
    [("log", flipped(5000), "is damaged", "checksum"), ("state", halved, "damaged", "malformed")],
    ids=["log", "state"],
)
def test_the_app_says_it_at_its_terminal_and_keeps_paths_from_strangers(
    part, breaking, sentence, cause, folder, tmp_path
):
    breaking(folder / FILES[part])
    port, output = free_port(), tmp_path / "app.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", "app.py"),
                *("--server.port", str(port), "--server.address", "127.0.0.1"),
            ],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=10)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert answer.status_code == 503
        assert str(folder) not in answer.text
    finally:
        process.kill()
        process.wait()
    said = output.read_text()
    assert sentence in said
    assert cause in said
    assert str(folder / FILES[part]) in said


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_is_told_in_whole_sentences(fault):
    error = described_error(fault, log_named("log.duckdb"))
    assert error.message.endswith(".")
    assert error.hint.endswith(".")
    assert "{" not in str(error)
    assert "log log.duckdb" in error.message


def test_sentences_differ():
    messages = [
        described_error(fault, log_named("x")).message for fault in database_faults._SENTENCES
    ]
    assert len(set(messages)) == len(messages)


@given(st.text(max_size=900), st.text("abcdef0123", min_size=6, max_size=12))
def test_what_goes_to_the_terminal_is_one_short_printable_line_without_the_password(text, password):
    line = first_line(ValueError(f"{text} {password} postgresql://ann:{password}@host/x"), password)
    assert password not in line
    assert line.isprintable()
    assert len(line) <= database_faults.LONGEST + 1
    shown = first_line(ValueError(f"postgresql://ann:{password}@host/x"))
    assert shown == "postgresql://ann:***@host/x"


def test_the_same_cause_is_told_once_a_minute(caplog):
    now = [0.0]
    reporter = CauseReporter(lambda: now[0])
    for now[0], lines in ((0.0, 1), (1.0, 1), (REPEATED_AFTER_S, 2)):
        reporter.report("log.duckdb", ValueError("disk on fire\nLINE 1: SELECT"))
        assert len(caplog.messages) == lines
    assert caplog.messages[0] == "log.duckdb: disk on fire"


def test_errors_of_the_system_are_told_by_their_number():
    for number, fault in (
        (errno.ENOSPC, Fault.FULL),
        (errno.EFBIG, Fault.FULL),
        (errno.EROFS, Fault.READ_ONLY),
        (errno.EIO, Fault.BROKEN_DISK),
    ):
        assert fault_of_system(OSError(number, os.strerror(number))) is fault
        assert database_faults.fault_in_words(f"IO Error: x: {os.strerror(number)}") is fault
    assert fault_of_system(OSError("no number")) is Fault.OTHER
