"""The page on the architecture tells the tree and the layers as they are, on few screens."""

from __future__ import annotations

import re
import tomllib

from tests.docs.documents import ROOT, document

PAGE = document("docs/architecture.md")
MAX_LINES = 200


def test_the_table_of_layers_is_the_contract() -> None:
    linter = tomllib.loads(document("pyproject.toml"))["tool"]["importlinter"]
    (contract,) = (item for item in linter["contracts"] if item["type"] == "layers")
    held = [
        (level, name.strip())
        for level, names in enumerate(contract["layers"], start=1)
        for name in names.split("|")
    ]
    told = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert [(int(level), name) for level, name in told] == held


def test_the_page_is_short_enough_to_be_read() -> None:
    assert len(PAGE.splitlines()) <= MAX_LINES


def test_the_names_of_the_core_in_the_page_exist() -> None:
    """Constants that a new thing is added to: `NAME` in `file`."""
    told = re.findall(r"`([A-Z_]{4,})` in\s+`(\S+\.py)`", PAGE)
    assert told
    assert [
        (name, path)
        for name, path in told
        if f"\n{name}" not in (ROOT / path).read_text(encoding="utf-8")
    ] == []
