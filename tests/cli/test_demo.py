"""The command that writes demo entries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.demo import demo
from audit_core.domain.entries import FIELDS
from audit_core.domain.errors import AuditError

SAMPLE = Path(__file__).parents[2] / "data" / "sample.jsonl"
SAMPLE_ARGUMENTS = [
    *("--entries", "1750", "--seed", "7", "--days", "5", "--until", "2026-11-20T12:00:00Z"),
]

application = typer.Typer()
application.command()(demo)


def test_a_file_of_json_lines_is_written(tmp_path: Path) -> None:
    output = tmp_path / "demo.jsonl"
    arguments = ["--entries", "300", "--until", "2026-11-20T12:00:00Z", "--output", str(output)]
    result = CliRunner().invoke(application, arguments)
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert len({record["id"] for record in records}) == 300
    assert all(list(record) == [name for name, _ in FIELDS] for record in records)
    assert "300 entries" in result.stderr


def test_a_dash_writes_to_standard_output_and_nothing_else_goes_there() -> None:
    result = CliRunner().invoke(application, ["--entries", "5", "--days", "1", "--output", "-"])
    assert result.exit_code == 0
    assert len({json.loads(line)["id"] for line in result.stdout.splitlines()}) == 5


def test_the_committed_sample_is_what_the_command_writes(tmp_path: Path) -> None:
    output = tmp_path / "sample.jsonl"
    result = CliRunner().invoke(application, [*SAMPLE_ARGUMENTS, "--output", str(output)])
    assert result.exit_code == 0
    assert output.read_bytes() == SAMPLE.read_bytes()
    assert SAMPLE.stat().st_size < 1_200_000


@pytest.mark.parametrize(
    "arguments",
    [
        ["--until", "yesterday"],
        ["--until", "2026-11-20T12:00:00"],
        ["--until", "1970-01-02T00:00:00Z"],
        ["--output", "/nonexistent/folder/x.jsonl"],
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str]) -> None:
    result = CliRunner().invoke(application, ["--entries", "5", *arguments])
    assert isinstance(result.exception, AuditError)
    assert result.exception.hint
