"""`sigma check`, the tool of those who write Sigma, accepts every rule that ships."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from audit_core.detect.rules.catalog import FOLDER, rule_files
from tests.soak.attack import Held

TOOL = "sigma-cli==3.1.0"
"""It needs pySigma below 2, so it has an environment of its own."""
FETCHING = ("attacktag", "d3_fendtag")
"""Validators that fetch their tables from the network; ATT&CK's ids are checked against our own."""
CLEAN = "Found 0 errors, 0 condition errors and 0 issues."


def run(folder: Path) -> Iterator[Held]:
    """One claim; where no package index can be reached it says that nothing was asked."""
    programs = folder / "environment" / ("Scripts" if sys.platform == "win32" else "bin")
    venv.create(folder / "environment", with_pip=True)
    installed = subprocess.run(
        [programs / "python", "-m", "pip", "install", "--quiet", TOOL],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode != 0:
        reason = (installed.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        yield Held("sigma check was not asked, since its tool could not be installed", reason)
        return
    rules = folder / "rules"
    rules.mkdir()
    files = rule_files(FOLDER)
    for path in files:
        # Without the examples beside them, which are no rules.
        shutil.copy(path, rules)
    command = [programs / "sigma", "check", "--fail-on-issues", "--file-pattern", "*.yaml"]
    for name in FETCHING:
        command += ["--exclude", name]
    checked = subprocess.run([*command, rules], capture_output=True, text=True, check=False)
    told = re.sub(r"\x1b\[[0-9;]*m", "", checked.stdout + checked.stderr)
    assert checked.returncode == 0, told
    assert CLEAN in told, told
    yield Held("sigma check accepts every rule that ships", f"{len(files)} files by {TOOL}")
