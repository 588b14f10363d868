"""The examples of docs/operations.md, as far as they can be checked without running them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from audit_core.runtime.settings import Settings
from tests.serving.proxies import EXAMPLES

KNOWN = {f"SANDTRAIL_{name.upper()}" for name in Settings.model_fields} | {"SANDTRAIL_TOKEN"}
"""The settings, and the token of those who send."""
INSTRUCTIONS = {
    *("FROM", "RUN", "WORKDIR", "COPY", "VOLUME", "USER", "ENV", "EXPOSE", "STOPSIGNAL"),
    *("HEALTHCHECK", "CMD"),
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_every_setting_in_an_example_exists(path: Path) -> None:
    assert set(re.findall(r"SANDTRAIL_[A-Z_]+", path.read_text(encoding="utf-8"))) <= KNOWN


def test_every_example_is_named_in_the_operations_page() -> None:
    page = (EXAMPLES.parent / "operations.md").read_text(encoding="utf-8")
    assert all(f"(examples/{path.name})" in page for path in EXAMPLES.iterdir())


def test_systemd_takes_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze on PATH")
    unit = EXAMPLES / "sandtrail.service"
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    problems = [line for line in found.stderr.splitlines() if unit.name in line]
    assert [line for line in problems if "is not executable" not in line] == []


def test_the_unit_gives_the_app_time_to_stop() -> None:
    unit = RawConfigParser(strict=False, interpolation=None)
    unit.read(EXAMPLES / "sandtrail.service")
    assert int(unit["Service"]["TimeoutStopSec"]) > 10
    assert "app.py" in shlex.split(unit["Service"]["ExecStart"])


def test_the_container_file_holds_known_instructions_and_runs_as_nobody_special() -> None:
    text = (EXAMPLES / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert {line.split()[0] for line in lines} <= INSTRUCTIONS
    copied = [shlex.split(line)[1:-1] for line in lines if line.startswith("COPY")]
    root = EXAMPLES.parents[1]
    assert all((root / name).exists() for names in copied for name in names)
    user = next(place for place, line in enumerate(lines) if line.startswith("USER"))
    assert not any(line.startswith("RUN") for line in lines[user:])
    assert lines[-1].startswith('CMD ["streamlit"')
