"""What the documents point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from audit_core.runtime.settings import Settings
from tests.docs.documents import (
    DOCUMENTS,
    ROOT,
    anchor,
    document,
    headings,
    links,
    named,
    spans,
    tracked,
)
from tests.support import laws

OURS = ("audit_core/", "pages/", "sandtrail/", "tests/", "benchmarks/", "docs/", ".ci/")
"""The folders of the repository; whatever else has a slash is no path, or one at run time."""
WRITTEN_BY_RUNS = re.compile(r"benchmarks/results-.*\.json")
FOR_PROGRAMS = {"SANDTRAIL_TOKEN", laws.VARIABLE}
"""Of people's own scripts, for the token, and of the tests."""


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    broken = [
        (named(path), link)
        for path in DOCUMENTS
        for link in links(path.read_text(encoding="utf-8"))
        if not link.startswith("https://") and not leads_somewhere(path, link)
    ]
    assert broken == []


def leads_somewhere(path: Path, link: str) -> bool:
    name, _, wanted = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return False
    return not wanted or wanted in map(anchor, headings(target.read_text(encoding="utf-8")))


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    left = [ROOT / "README.md"]
    while left:
        path = left.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        found = [link.partition("#")[0] for link in links(path.read_text(encoding="utf-8"))]
        left += [(path.parent / link).resolve() for link in found if link and "://" not in link]
    assert {named(path) for path in DOCUMENTS} - {named(path) for path in seen} == set()


def test_every_path_that_is_named_exists() -> None:
    missing = [
        (named(path), span)
        for path in DOCUMENTS
        if path.name != "CHANGELOG.md"  # it speaks of what was
        for span in spans(path.read_text(encoding="utf-8"))
        if not exists(span)
    ]
    assert missing == []


def exists(span: str) -> bool:
    if "…" in span:
        return True
    if span.endswith(".py") and "/" not in span and " " not in span:
        return any(name.endswith(f"/{span}") or name == span for name in tracked())
    if not span.startswith(OURS) or " " in span or "*" in span or "NAME" in span:
        return True
    return (
        span in tracked() or f"{span}/" in tracked() or WRITTEN_BY_RUNS.fullmatch(span) is not None
    )


def test_every_setting_that_is_named_exists() -> None:
    known = {f"SANDTRAIL_{name.upper()}" for name in Settings.model_fields} | FOR_PROGRAMS
    examples = [ROOT / name for name in tracked() if name.startswith("docs/examples/")]
    unknown = [
        (named(path), name)
        for path in (*DOCUMENTS, *(path for path in examples if path.is_file()))
        for name in re.findall(r"SANDTRAIL_[A-Z_]+", path.read_text(encoding="utf-8"))
        if name not in known
    ]
    assert unknown == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", document("Makefile"), re.MULTILINE))
    named_targets = {
        (named(path), target)
        for path in DOCUMENTS
        for target in re.findall(r"\bmake ([a-z]+)[`\s]", path.read_text(encoding="utf-8"))
        if f"make {target}" in " ".join([*spans(path.read_text(encoding="utf-8"))])
    }
    assert named_targets
    assert {item for item in named_targets if item[1] not in targets} == set()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/examples").glob("*.yaml")), ids=lambda p: p.name
)
def test_examples_that_are_not_run_are_at_least_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))
