"""Checkpoints in a folder: never overwritten with something inconsistent, and never half there."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.integrity.anchors.anchor import AnchorContradicts, AnchorUnavailable
from audit_core.integrity.anchors.folder import (
    FolderAnchor,
    file_name,
    folder_anchor,
    folder_of,
    sizes_in,
)
from tests.support.growing_log import GrowingLog


def anchor_at(folder: Path) -> FolderAnchor:
    return folder_anchor(str(folder), timedelta(minutes=5))


def log_of(count: int) -> GrowingLog:
    log = GrowingLog()
    log.grow(count)
    return log


def test_each_size_has_a_file_and_a_later_time_replaces_an_earlier_one(tmp_path: Path) -> None:
    log, anchor = log_of(300), anchor_at(tmp_path)
    anchor.submit(log.submission())
    later = log.submission()
    anchor.submit(later)
    log.grow(7)
    newest = log.submission()
    anchor.submit(newest)

    folder = folder_of(tmp_path, log.origin)
    assert sorted(path.name for path in folder.iterdir()) == [file_name(300), file_name(307)]
    assert (folder / file_name(300)).read_text() == later.note
    assert (folder / file_name(307)).read_text() == newest.note


def test_two_organizations_do_not_meet_whatever_they_are_called(tmp_path: Path) -> None:
    names = ["", "..", "a/b", "a%2Fb", "é" * 200, "ê" * 200]
    anchor = anchor_at(tmp_path)
    logs = [GrowingLog(name) for name in names]
    for number, log in enumerate(logs, 1):
        log.grow(number)
        anchor.submit(log.submission())
    assert [list(sizes_in(folder_of(tmp_path, log.origin))) for log in logs] == [
        [number] for number in range(1, len(names) + 1)
    ]
    assert len(list(tmp_path.iterdir())) == len(names)


def test_a_log_that_was_put_back_is_contradicted(tmp_path: Path) -> None:
    log, anchor = log_of(300), anchor_at(tmp_path)
    anchor.submit(log.submission())
    log.leaves = log.leaves[:250]
    with pytest.raises(AnchorContradicts, match="300 writes where this log has 250"):
        anchor.submit(log.submission())
    log.grow(80, "written anew")
    with pytest.raises(AnchorContradicts, match="other first 300 writes"):
        anchor.submit(log.submission())
    assert list(sizes_in(folder_of(tmp_path, log.origin))) == [300]


def test_another_tree_of_the_same_size_overwrites_nothing(tmp_path: Path) -> None:
    log, anchor = log_of(5), anchor_at(tmp_path)
    first = log.submission()
    anchor.submit(first)
    log.leaves[2] = bytes(32)
    with pytest.raises(AnchorContradicts):
        anchor.submit(log.submission())
    assert (folder_of(tmp_path, log.origin) / file_name(5)).read_text() == first.note


def test_a_folder_that_is_not_mounted_is_not_filled(tmp_path: Path) -> None:
    log = log_of(5)
    with pytest.raises(AnchorUnavailable, match="cannot be written"):
        anchor_at(tmp_path / "absent").submit(log.submission())
    with pytest.raises(AnchorUnavailable, match="does not hold any more"):
        anchor_at(tmp_path).submit(log.submission(known_size=5))


def test_a_file_that_is_damaged_or_forged_is_no_checkpoint_and_is_left(tmp_path: Path) -> None:
    log, anchor = log_of(5), anchor_at(tmp_path)
    anchor.submit(log.submission())
    file = folder_of(tmp_path, log.origin) / file_name(5)
    forged = GrowingLog(seed=2)
    forged.grow(9)
    log.grow(1)
    for text in ("half a note", forged.checkpoint().note):
        file.write_text(text)
        with pytest.raises(AnchorUnavailable, match="no checkpoint of this log"):
            anchor.submit(log.submission())
        assert file.read_text() == text


def test_a_bucket_without_links_keeps_checkpoints_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    log, anchor = log_of(5), anchor_at(tmp_path)
    anchor.submit(log.submission())
    later = log.submission()
    anchor.submit(later)
    folder = folder_of(tmp_path, log.origin)
    assert [path.name for path in folder.iterdir()] == [file_name(5)]
    assert (folder / file_name(5)).read_text() == later.note


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    log, anchor = log_of(5), anchor_at(tmp_path)
    with pytest.raises(AnchorUnavailable, match="No space left"):
        anchor.submit(log.submission())
    assert list(folder_of(tmp_path, log.origin).iterdir()) == []
