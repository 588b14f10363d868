"""The version stands once, in pyproject.toml, and everybody says the same."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

from audit_core.__main__ import main
from audit_core.runtime.version import product_version

ROOT = Path(__file__).parents[2]
WRITTEN = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_what_is_installed_is_this_checkout() -> None:
    assert product_version() == WRITTEN


def test_the_command_says_its_version() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "audit_core", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"sandtrail {WRITTEN}\n"


def test_the_installed_command_is_the_command_line() -> None:
    (script,) = entry_points(group="console_scripts", name="sandtrail")
    assert script.load() is main
