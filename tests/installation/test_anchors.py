"""Checkpoints outside of a whole installation: handed over, and what they show when an older log
and its state are put back together."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.errors import SettingsError, SourceError
from audit_core.evidence.pack.making.from_log import make_pack
from audit_core.evidence.pack.verdicts import Part
from audit_core.evidence.pack.verifier import verify
from audit_core.installation.anchors import anchor_warnings, examine_anchors, outside_of
from audit_core.installation.kept_checkpoint import compare_checkpoint
from audit_core.installation.opened import Installation, open_installation
from audit_core.integrity.anchors.anchoring import AnchorWorker
from audit_core.integrity.anchors.configured import anchors_of
from audit_core.integrity.anchors.folder import file_name, folder_of, sizes_in
from audit_core.integrity.anchors.standing import Standing
from audit_core.integrity.anchors.tree_checkpoints import TreeCheckpoints
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from audit_core.runtime.settings import Settings
from tests.support.growing_log import GrowingLog
from tests.support.new_state import new_state
from tests.support.strategies import entry

ALPHA = "org-alpha"


class House:
    """An installation in a folder, with one folder outside, and a clock."""

    def __init__(self, home: Path, outside: Path) -> None:
        self.home = home
        self.outside = outside
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)
        new_state(home / "state.sqlite").close()
        self.installation = self.open()

    def open(self) -> Installation:
        settings = Settings(
            log_url=f"duckdb:///{self.home}/log.duckdb",
            state_url=f"sqlite:///{self.home}/state.sqlite",
            key_file=self.home / "secret.key",
            demo=False,
            anchor_folders=(str(self.outside),),
        )
        return open_installation(settings, lambda: self.now)

    def append(self, first: int, count: int, text: str = "entry") -> None:
        entries = [
            entry(f"{text}-{number}", created_at=self.now) for number in range(first, first + count)
        ]
        self.installation.log.append(entries)
        self.installation.trees.sealed_now(ALPHA)

    def hand_over(self) -> int:
        """As the thread of the anchor does."""
        opened = self.installation
        (anchor,) = anchors_of(opened.settings)
        checkpoints = TreeCheckpoints(opened.state, opened.trees)
        return AnchorWorker(opened.state, anchor, checkpoints, opened.clock).step()

    def put_back(self, kept: Path) -> None:
        """Log and state of then, in place of those of now."""
        self.installation.close()
        shutil.rmtree(self.home)
        shutil.copytree(kept, self.home)
        self.installation = self.open()


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "home").mkdir()
    (tmp_path / "outside").mkdir()
    opened = House(tmp_path / "home", tmp_path / "outside")
    yield opened
    opened.installation.close()


def test_an_older_log_that_is_put_back_with_its_state_shows(house: House, tmp_path: Path) -> None:
    house.append(0, 300)
    assert house.hand_over() == 1
    house.installation.close()
    shutil.copytree(house.home, tmp_path / "kept")
    house.installation = house.open()
    house.now += timedelta(minutes=6)
    house.append(300, 20)
    assert house.hand_over() == 1
    origin = house.installation.trees.sealing.origin(ALPHA)
    assert sorted(sizes_in(folder_of(house.outside, origin))) == [300, 320]
    assert [one.health.value for one in examine_anchors(house.installation)] == ["ok"]
    assert anchor_warnings(house.installation) == ()

    house.put_back(tmp_path / "kept")
    house.now += timedelta(minutes=6)
    house.append(300, 5, "other")
    assert house.hand_over() == 0
    (finding,) = examine_anchors(house.installation)
    assert finding.health.value == "failed"
    assert finding.message == (
        "org-alpha: Folder outside has seen 320 writes where this log has 305."
    )
    (warning,) = anchor_warnings(house.installation)
    assert warning.reason.startswith("1 log is contradicted by a checkpoint outside.")
    kept = folder_of(house.outside, origin)
    by_size = {
        size: compare_checkpoint(house.installation, (kept / file_name(size)).read_text()).problem
        for size in (300, 320)
    }
    assert by_size[300] is None
    assert "the end was cut off, or an older log was put back" in (by_size[320] or "")
    # Also once it is longer again.
    house.now += timedelta(hours=2)
    house.append(305, 30, "other")
    assert house.hand_over() == 0
    (one,) = outside_of(house.installation, ALPHA).anchors
    assert one.standing is Standing.CONTRADICTS
    assert "other first 320 writes" in (one.progress.problem if one.progress else "")
    compared = compare_checkpoint(house.installation, (kept / file_name(320)).read_text())
    assert (compared.organization_id, compared.kept, compared.size) == (ALPHA, 320, 335)
    assert "Among the first 320 writes" in (compared.problem or "")
    for wrong in ("", "no note", GrowingLog(ALPHA).checkpoint().note):
        with pytest.raises(SourceError, match="cannot be compared"):
            compare_checkpoint(house.installation, wrong)


def test_a_folder_that_was_away_is_said_to_be_behind_and_then_gets_the_newest(
    house: House,
) -> None:
    house.append(0, 10)
    house.hand_over()
    away = house.outside.rename(house.outside.with_name("away"))
    house.now += timedelta(hours=4)
    house.append(10, 10)
    assert house.hand_over() == 0
    (finding,) = examine_anchors(house.installation)
    assert (finding.health.value, finding.message) == (
        "warning",
        "org-alpha: The newest checkpoint outside is 4 hours older than the newest one here.",
    )
    assert "cannot be written" in finding.hint
    (warning,) = anchor_warnings(house.installation)
    assert "without a new enough checkpoint outside" in warning.reason
    assert outside_of(house.installation, "org-beta").findings == ()

    away.rename(house.outside)
    house.now += timedelta(hours=1)
    house.append(20, 1)
    assert house.hand_over() == 1
    assert [one.health.value for one in examine_anchors(house.installation)] == ["ok"]


WRONG: dict[str, Callable[[], Settings]] = {
    "a witness without a key": lambda: Settings(anchor_witnesses=("https://w.example.org",)),
    "a log's key for a witness's": lambda: Settings(
        anchor_witnesses=(f"https://w.example.org {GrowingLog().key.text}",)
    ),
    "a webhook that is no address": lambda: Settings(anchor_webhooks=("example.org",)),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_anchor_that_cannot_be_used_is_a_setting_that_does_not_fit(kind: str) -> None:
    with pytest.raises(SettingsError):
        anchors_of(WRONG[kind]())


def test_settings_name_several_anchors_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_ANCHOR_FOLDERS", "/mnt/a, /mnt/b")
    monkeypatch.setenv("SANDTRAIL_ANCHOR_TIME_STAMPS", "http://tsa.example.org/tsr")
    names = [anchor.name for anchor in anchors_of(Settings())]
    assert [(name.kind.label, name.label) for name in names] == [
        ("Folder", "a"),
        ("Folder", "b"),
        ("Time stamp", "tsa.example.org"),
    ]
    assert len({name.id for name in names}) == 3


def test_a_pack_holds_what_is_outside_and_its_verdict_says_so(house: House) -> None:
    house.append(0, 300)
    house.hand_over()
    house.now += timedelta(minutes=1)
    house.append(300, 5)
    everything = EntryFilter(window=Window(preset="all"))
    query = Query(everything, Scope(organization_id=ALPHA), TimeRange(since=None, until=None))
    opened = house.installation
    pack = b"".join(
        make_pack(opened.log, opened.trees, query, clock=opened.clock, made_by="a test")
    )
    report = verify(io.BytesIO(pack), key=opened.trees.sealing.signer.key)
    assert not report.fails
    assert report[Part.TIME].notes[0] == (
        "outside: Handed over at 2026-11-29 12:00 UTC, by the log's own word: get the checkpoint "
        "from there, and compare it (--checkpoint)."
    )
    kept = next(folder_of(house.outside, opened.trees.sealing.origin(ALPHA)).iterdir())
    compared = verify(io.BytesIO(pack), checkpoint=kept.read_text())
    assert compared[Part.COMPLETENESS].findings == []
