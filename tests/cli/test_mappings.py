"""`mapping …` and `ingest --mapping` at the command line, against a real log and state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.ingest import ingest
from audit_core.cli.mappings import mapping_app
from audit_core.domain.errors import AuditError, MappingError, SourceError
from audit_core.ingest.mappings.catalog import FOLDER
from tests.support.mapped import SAMPLES

application = typer.Typer()
application.command()(ingest)
application.add_typer(mapping_app, name="mapping")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/data/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/data/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/data/secret.key")
    monkeypatch.delenv("SANDTRAIL_TOKEN", raising=False)


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(application, arguments)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_files_of_ten_systems_are_recognized_and_loading_them_twice_is_harmless() -> None:
    paths = [str(path) for path in SAMPLES.values()]
    first, _ = run("ingest", "--organization", "acme", *paths)
    for name, path in SAMPLES.items():
        told = first[first.index(f"{path.name}: ") :].splitlines()
        assert told[1] == f"  Read by the mapping {name}."
        assert any(line.startswith("  Fields as they were: ") for line in told)
    assert "2 lines of the log are no audit entries, and were passed over." in first
    again, _ = run("ingest", "--organization", "acme", *paths)
    total = again.splitlines()[-1]
    assert total.startswith("Total: 0 accepted, ")
    assert total.endswith(" 0 finished, 0 rejected")


def test_a_system_that_names_no_organization_needs_one() -> None:
    out, err = run("ingest", str(SAMPLES["okta"]), code=2)
    assert "0 accepted" in out
    assert "names no organization" in err.replace("name no", "names no")
    assert "--organization ID" in err


def test_a_mapping_is_named_or_there_is_none() -> None:
    path = str(SAMPLES["okta"])
    out, _ = run("ingest", "--organization", "acme", "--mapping", "okta", path)
    assert "Read by the mapping okta." in out
    _, err = run("ingest", "--organization", "acme", "--mapping", "none", path, code=2)
    assert "They look like Okta's system log." in err
    with pytest.raises(MappingError, match="no mapping 'okto'"):
        run("ingest", "--mapping", "okto", path)


def test_a_mapping_of_ones_own_gives_the_organization_and_one_bad_record_costs_itself() -> None:
    Path("gate.yaml").write_text(
        "title: Gate\ndetect: uid\nfields:\n  id: uid\n  createdAt: {from: at, time: epoch_s}\n"
        "  action: verb\n  actorId: who\n  organizationId: tenant\n"
    )
    good = {"uid": "1", "at": 1763632800, "verb": "open", "who": "ann", "tenant": "acme"}
    bad = [good | {"uid": "2", "at": "soon"}, good | {"uid": "3", "tenant": None}]
    lines = [good, *bad, good | {"uid": "4", "who": ["a"]}, good | {"uid": "5", "tenant": "b"}]
    Path("log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    out, _ = run("ingest", "--mapping", "gate.yaml", "log.jsonl", code=1)
    assert out.startswith("log.jsonl: 2 accepted, 0 already known, 0 finished, 3 rejected")
    out, _ = run("ingest", "--mapping", "gate.yaml", "--organization", "acme", "log.jsonl", code=1)
    assert out.startswith("log.jsonl: 0 accepted, 1 already known, 0 finished, 4 rejected")


def test_mappings_are_listed() -> None:
    out, _ = run("mapping", "list")
    assert [line.split()[0] for line in out.splitlines()] == sorted(SAMPLES)


def test_a_mapping_is_tried_without_storing_anything() -> None:
    out, err = run("mapping", "test", str(FOLDER / "okta.yaml"), str(SAMPLES["okta"]))
    (first, *_) = map(json.loads, out.splitlines())
    assert (first["action"], first["statusCode"]) == ("user.session.start", 200)
    assert "4 entries, 0 rejected. Nothing was stored." in err
    assert "Kept in the metadata under unmapped: " in err
    assert not Path("data").exists()
    assert run("mapping", "test", "okta", str(SAMPLES["okta"]))[0] == out


def test_a_sample_that_does_not_fit_and_a_mapping_that_is_wrong_are_told() -> None:
    _, err = run("mapping", "test", "okta", str(SAMPLES["github"]), code=1)
    assert "createdAt is missing." in err
    with pytest.raises(SourceError, match="is no JSON"):
        Path("a.csv").write_text("a,b\n1,2\n")
        run("mapping", "test", "okta", "a.csv")
    Path("wrong.yaml").write_text("title: X\ndetect: a[\nfields: {action: a}\n")
    with pytest.raises(MappingError, match=r"wrong\.yaml, line 2: "):
        run("mapping", "test", "wrong.yaml", "a.csv")
