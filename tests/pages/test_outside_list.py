"""Checkpoints outside on Evidence → Integrity, and the alarm on Overview."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.installation.opened import Installation
from audit_core.integrity.anchors.anchoring import AnchorWorker
from audit_core.integrity.anchors.configured import anchors_of
from audit_core.integrity.anchors.folder import file_name
from audit_core.integrity.anchors.tree_checkpoints import TreeCheckpoints
from audit_core.integrity.checkpoint import Checkpoint, sign_checkpoint
from pages.parts.shell import cached
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture
def anchored(seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (tmp_path / "bucket").mkdir()
    settings = seeded.installation.settings.model_copy(
        update={"anchor_folders": (str(tmp_path / "bucket"),)}
    )
    opened = replace(seeded.installation, settings=settings)
    monkeypatch.setattr(cached, "installation", lambda: opened)
    opened.log.append([made(number, created_at=seeded.clock()) for number in range(5)])
    return opened


def hand_over(opened: Installation) -> int:
    opened.trees.sealed_now(ALPHA)
    (anchor,) = anchors_of(opened.settings)
    checkpoints = TreeCheckpoints(opened.state, opened.trees)
    return AnchorWorker(opened.state, anchor, checkpoints, opened.clock).step()


def integrity(open_app: Open) -> AppTest:
    app = open_app(AUDITOR).run()
    app.switch_page("evidence/integrity.py").run()
    assert not app.exception
    return app


def test_without_any_it_is_said(open_app: Open, seeded: Seeded) -> None:
    assert any("None is set:" in item.value for item in integrity(open_app).caption)


def test_what_each_has_is_listed_and_what_is_too_old_is_warned_of(
    open_app: Open, seeded: Seeded, anchored: Installation, tmp_path: Path
) -> None:
    assert hand_over(anchored) == 1
    app = integrity(open_app)
    (row,) = app.dataframe[0].value.to_dict("records")
    written = anchored.log.head(ALPHA)
    assert (row["place"], row["state"], row["size"]) == (
        "Folder bucket",
        "Up to date",
        f"{written:,}",
    )
    assert {item.label: item.value for item in app.metric}["Newest checkpoint outside"] == "now"
    assert not app.warning

    (tmp_path / "bucket").rename(tmp_path / "away")
    seeded.clock.now += timedelta(hours=4)
    assert hand_over(anchored) == 0
    app = integrity(open_app)
    assert "4 hours older than the newest one here" in app.warning[0].value
    (row,) = app.dataframe[0].value.to_dict("records")
    assert row["state"] == "Behind"
    assert "cannot be written" in row["problem"]


def test_what_contradicts_the_log_is_an_alarm_on_overview_too(
    open_app: Open, seeded: Seeded, anchored: Installation, tmp_path: Path
) -> None:
    hand_over(anchored)
    (folder,) = (tmp_path / "bucket").iterdir()
    signer = anchored.trees.sealing.signer
    origin = anchored.trees.sealing.origin(ALPHA)
    seen = Checkpoint(origin, 999, bytes(32), seeded.clock())
    (folder / file_name(999)).write_text(sign_checkpoint(seen, signer))
    seeded.clock.now += timedelta(minutes=6)
    assert hand_over(anchored) == 0
    app = open_app(AUDITOR).run()
    assert not app.exception
    assert "has seen 999 writes where this log has" in app.error[0].value
    assert "999 writes" in integrity(open_app).error[0].value
