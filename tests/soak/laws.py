"""All laws of the tests with all of their examples, as one part of `make soak`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.soak.attack import Held
from tests.support.laws import VARIABLE

ROOT = Path(__file__).parents[2]
NONE_FOUND = 5
"""How pytest ends where a folder has no law."""


def run(_folder: Path) -> Iterator[Held]:
    """One claim for each folder of tests. A law that does not hold raises `AssertionError`, with
    the example that breaks it."""
    for folder in sorted(path.name for path in (ROOT / "tests").iterdir() if path.is_dir()):
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "hypothesis or law", f"tests/{folder}"],
            cwd=ROOT,
            env={**os.environ, VARIABLE: "full"},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode == NONE_FOUND:
            continue
        assert ended.returncode == 0, ended.stdout
        summary = re.search(r"(\d+) passed.* in ([\d.]+)s", ended.stdout)
        assert summary is not None, ended.stdout
        yield Held(
            f"the laws of tests/{folder} hold with all of their examples",
            f"{summary[1]} tests in {float(summary[2]):.0f} s",
        )
