"""`verify` at the command line: needs no installation, and says what fails by its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit_core.__main__ import app
from audit_core.domain.errors import SourceError
from audit_core.integrity.installation_signer import installation_signer
from tests.support.packs import SIGNER, checkpoint_of, made_pack, moment


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder where no installation is, and none could be opened."""
    monkeypatch.setenv("SANDTRAIL_LOG_URL", "none://")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", "none://")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_good_pack_with_its_key_and_an_earlier_checkpoint(nothing_set: Path) -> None:
    made = made_pack(1)
    (nothing_set / "pack.zip").write_bytes(made.file)
    (nothing_set / "key.txt").write_text(f"{SIGNER.key.text}\n")
    earlier = checkpoint_of(made.hashes[:7], signed_at=moment(0) or made.asked.made_at)
    (nothing_set / "earlier.txt").write_text(earlier)
    options = ["--key", "key.txt", "--checkpoint", "earlier.txt"]
    result = CliRunner().invoke(app, ["verify", "pack.zip", *options])
    assert result.exit_code == 0
    assert "Nothing speaks against the pack." in result.output
    assert "FAILS" not in result.output
    unconfirmed = CliRunner().invoke(app, ["verify", "pack.zip"])
    assert unconfirmed.exit_code == 0
    assert f"Signed by {SIGNER.name}, which you have not confirmed" in unconfirmed.output


def test_another_key_fails(nothing_set: Path) -> None:
    (nothing_set / "pack.zip").write_bytes(made_pack(1).file)
    other = installation_signer(b"another" * 8).key.text
    result = CliRunner().invoke(app, ["verify", "pack.zip", "--key", other, "--json"])
    assert result.exit_code == 1
    verdicts = json.loads(result.output)["verdicts"]
    assert verdicts["signature"]["findings"][0]["code"] == "signature.key"
    assert verdicts["integrity"]["state"] == "holds"


def test_what_is_no_pack_is_refused(nothing_set: Path) -> None:
    (nothing_set / "pack.zip").write_bytes(b"no ZIP at all")
    result = CliRunner().invoke(app, ["verify", "pack.zip", "--json"])
    assert result.exit_code == 2
    assert json.loads(result.output)["refused"]["code"] == "pack.zip"


@pytest.mark.parametrize(
    ("name", "said"), [("nothing.zip", "No such file"), (".", "Is a directory")]
)
def test_what_cannot_be_opened_says_why(nothing_set: Path, name: str, said: str) -> None:
    result = CliRunner().invoke(app, ["verify", name])
    assert isinstance(result.exception, SourceError)
    assert said in result.exception.message
