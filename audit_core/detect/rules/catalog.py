"""The rules that come with the product, one file each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from audit_core.detect.rules.examples import ENDING
from audit_core.detect.rules.reading import read_rule_file
from audit_core.detect.rules.rule import Rule

FOLDER = Path(__file__).parents[3] / "data" / "rules"


def rule_files(folder: Path) -> tuple[Path, ...]:
    """The files of rules in a folder, by name; files of examples are none."""
    files = (path for suffix in ("*.yaml", "*.yml") for path in folder.glob(suffix))
    return tuple(sorted(path for path in files if not path.name.endswith(ENDING)))


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """All that are shipped, by name of file. Raises `RuleError` if one of them cannot be used."""
    return tuple(read_rule_file(path) for path in rule_files(FOLDER))
