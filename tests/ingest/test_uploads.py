from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from audit_core.ingest import uploads as module
from audit_core.ingest.uploads import MEGABYTE, Quota, Upload, UploadRefusedError, Uploads
from tests.support.seeded import Clock

SMALL = Quota(
    of_file=4 * MEGABYTE,
    files_of_person=3,
    of_person=6 * MEGABYTE,
    in_all=8 * MEGABYTE,
    free_floor=0,
)
PIECE = bytes(MEGABYTE)
HERE = ("tab", "file")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def uploads(tmp_path: Path, clock: Clock) -> Iterator[Uploads]:
    uploads = Uploads(tmp_path / "uploads", clock, SMALL)
    yield uploads
    uploads.close()


def sent(uploads: Uploads, megabytes: int, person: str = "ann") -> Upload:
    upload = uploads.begin(f"session of {person}", person, (person, secrets.token_hex(4)))
    for _ in range(megabytes):
        uploads.write(upload, PIECE)
    uploads.finish(upload)
    return upload


def on_disk(uploads: Uploads) -> int:
    return sum(path.stat().st_size for path in uploads._root.glob("*/*"))


def test_a_file_comes_back_as_it_was_sent_and_for_its_session_only(uploads: Uploads) -> None:
    upload = uploads.begin("s", "ann", HERE)
    for piece in (b"first ", b"", b"second"):
        uploads.write(upload, piece)
    with pytest.raises(UploadRefusedError):
        uploads.find(upload.receipt, "s", "a.csv")  # Not there in whole yet.
    uploads.finish(upload)
    file = uploads.find(upload.receipt, "s", "../a.csv")
    assert (file.name, file.size) == ("../a.csv", 12)
    with file.open() as stream:
        assert stream.read() == b"first second"
    for receipt, session in ((upload.receipt, "other"), ("../x", "s"), ("", "s")):
        with pytest.raises(UploadRefusedError, match="not there any more"):
            uploads.find(receipt, session, "a.csv")
    assert {path.stat().st_mode & 0o077 for path in uploads._root.glob("*")} == {0}


def test_a_file_takes_the_place_of_the_one_before_and_is_removed_there(uploads: Uploads) -> None:
    first = uploads.begin("s", "ann", HERE)
    uploads.write(first, PIECE)
    second = uploads.begin("s", "ann", HERE)
    uploads.write(second, PIECE)
    assert on_disk(uploads) == MEGABYTE
    uploads.discard_at(HERE, "other")
    assert on_disk(uploads) == MEGABYTE
    uploads.discard_at(HERE, "s")
    assert on_disk(uploads) == 0


def test_each_bound_is_told_in_a_sentence_and_a_refused_file_leaves_nothing(
    uploads: Uploads,
) -> None:
    with pytest.raises(UploadRefusedError, match="A file may have at most 4 MB"):
        sent(uploads, 5)
    assert on_disk(uploads) == 0
    sent(uploads, 4)
    with pytest.raises(UploadRefusedError, match="together at most 6 MB"):
        sent(uploads, 3)
    with pytest.raises(UploadRefusedError, match="all people may have together at most 8 MB"):
        for person in ("ben", "cas"):
            sent(uploads, 3, person)
    assert on_disk(uploads) == 7 * MEGABYTE
    for _ in range(2):
        sent(uploads, 0)
    with pytest.raises(UploadRefusedError, match="3 uploaded files"):
        sent(uploads, 0)
    sent(uploads, 1, "cas")


def test_files_that_are_sent_at_the_same_time_do_not_pass_a_bound_together(
    uploads: Uploads,
) -> None:
    both = [uploads.begin("s", "ann", ("tab", name)) for name in "ab"]
    for _ in range(3):
        for upload in both:
            uploads.write(upload, PIECE)
    with pytest.raises(UploadRefusedError, match="together"):
        uploads.write(both[0], PIECE)
    with pytest.raises(UploadRefusedError):
        uploads.write(both[0], PIECE)
    uploads.write(both[1], PIECE)


def test_a_disk_without_space_takes_no_file_and_tells_the_operator(
    uploads: Uploads, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    full = Uploads(tmp_path / "full", clock, Quota(free_floor=10**15))
    with pytest.raises(UploadRefusedError, match="disk is full"):
        sent(full, 1)
    full.close()
    assert "are free on its disk" in caplog.text
    (tmp_path / "file").write_text("")
    nowhere = Uploads(tmp_path / "file" / "uploads", clock, SMALL)
    with pytest.raises(UploadRefusedError, match="cannot write") as refused:
        sent(nowhere, 1)
    assert str(tmp_path) not in refused.value.message + refused.value.hint
    assert str(tmp_path) in caplog.text


def test_a_disk_that_fills_up_while_a_file_is_written_keeps_nothing_of_it(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKED_EVERY", MEGABYTE)
    uploads = Uploads(tmp_path / "uploads", clock, SMALL)
    upload = uploads.begin("s", "ann", HERE)
    uploads.write(upload, PIECE)
    uploads.quota = Quota(free_floor=10**15)
    with pytest.raises(UploadRefusedError, match="disk is full"):
        uploads.write(upload, PIECE)
    assert on_disk(uploads) == 0
    uploads.close()


def test_files_go_when_they_are_old_when_their_session_ends_and_at_the_end(
    uploads: Uploads, clock: Clock
) -> None:
    old, ended = sent(uploads, 1), sent(uploads, 1, "ben")
    uploads.admit("tab", ended.session_id)
    asked: list[Collection[str]] = []

    def living(sessions: Collection[str]) -> Collection[str]:
        asked.append(set(sessions))
        return {old.session_id}

    uploads.sweep(living)
    assert asked == [{old.session_id, ended.session_id}]
    assert on_disk(uploads) == MEGABYTE
    assert not uploads.admits("tab", ended.session_id)
    clock.pass_by(hours=2, seconds=1)
    with pytest.raises(UploadRefusedError):
        uploads.find(old.receipt, old.session_id, "a")
    assert on_disk(uploads) == 0
    sent(uploads, 1)
    uploads.close()
    uploads.close()
    assert list(uploads._root.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not(
    uploads: Uploads, tmp_path: Path, clock: Clock
) -> None:
    held = sent(uploads, 1)
    kill = (
        "import os, sys\nfrom pathlib import Path\nfrom tests.support.seeded import Clock\n"
        "from audit_core.ingest.uploads import Uploads, Quota\n"
        "uploads = Uploads(Path(sys.argv[1]), Clock(), Quota(free_floor=0))\n"
        "uploads.write(uploads.begin('s', 'ann', ('t', 'f')), b'left')\nos._exit(9)\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", kill, str(uploads._root)], cwd=root, check=False)
    (uploads._root / "not ours").mkdir()
    assert len(list(uploads._root.iterdir())) == 3
    other = Uploads(uploads._root, clock, SMALL)
    sent(other, 1)
    assert len(list(uploads._root.iterdir())) == 3
    assert held.path.stat().st_size == MEGABYTE
    other.close()


def test_a_tab_sends_for_the_session_that_it_was_admitted_for(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TABS", 2)
    for tab in ("a", "b", "a", "c"):
        uploads.admit(tab, "s")
    assert [uploads.admits(tab, "s") for tab in "abc"] == [True, False, True]
    assert not uploads.admits("a", "other")
