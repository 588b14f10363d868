"""The user guide against what it speaks of."""

from __future__ import annotations

import ast
import re

import pytest

from audit_core.domain.access import GRANTABLE, PERMISSIONS_OF_ROLE, Permission, Role
from audit_core.evidence.access_log.record_filter import VOCABULARY
from audit_core.query.language.fields import ENTRY_VOCABULARY, FieldWord, Vocabulary
from tests.docs.documents import ROOT, document, fenced, prose
from tests.support.in_utc import parse

GUIDE = document("docs/guide.md")
HOLDS = {True: "yes", False: "–"}


def table_of(vocabulary: Vocabulary) -> str:
    """The fields as the guide lists them: paste it there when a field has changed."""
    lines = ["| field | other names | finds |", "|---|---|---|"]
    for word in vocabulary.words:
        others = ", ".join(f"`{name}`" for name in word.others)
        lines.append(f"| `{named(word)}` | {others} | {word.help} |")
    return "\n".join(lines)


def named(word: FieldWord) -> str:
    return "metadata.…" if word.written == "metadata" else word.written


@pytest.mark.parametrize("vocabulary", [ENTRY_VOCABULARY, VOCABULARY], ids=["log", "record"])
def test_the_guide_lists_the_fields_of_a_query(vocabulary: Vocabulary) -> None:
    assert table_of(vocabulary) in GUIDE


@pytest.mark.parametrize(
    ("language", "vocabulary"),
    [("query", ENTRY_VOCABULARY), ("record-query", VOCABULARY)],
)
def test_every_example_of_a_query_can_be_read(language: str, vocabulary: Vocabulary) -> None:
    examples = [line for body in fenced(GUIDE, language) for line in body.splitlines() if line]
    assert examples
    for example in examples:
        parse(example, vocabulary)


def test_the_guide_tells_the_permissions_of_each_role() -> None:
    told = set(re.findall(r"^\| `(\S+:\S+)` \|.*\| (\S+) \| (\S+) \| (\S+) \|$", GUIDE, re.M))
    assert told == {
        (
            permission.value,
            *(HOLDS[permission in PERMISSIONS_OF_ROLE[role]] for role in Role),
        )
        for permission in Permission
    }


def test_the_guide_tells_what_can_be_granted() -> None:
    (withheld,) = re.findall(r"every permission but\n?\s*`(\S+)` can be granted", GUIDE)
    assert {withheld} == {permission.value for permission in set(Permission) - GRANTABLE}


def test_the_pages_in_the_guide_are_those_of_the_navigation() -> None:
    tree = ast.parse((ROOT / "pages/main.py").read_text(encoding="utf-8"))
    titles = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    pages = [
        part
        for cell in re.findall(r"^\| .+ \| (\w+ → .+) \|$", GUIDE, re.M)
        for part in cell.split(" → ")
    ]
    assert pages
    assert [title for title in pages if title not in titles] == []


def test_every_label_in_the_guide_stands_on_a_screen() -> None:
    """Bold is for labels of the screen, and for nothing else."""
    texts = {
        node.value
        for path in (ROOT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    labels = re.findall(r"\*\*([^*]+)\*\*", prose(GUIDE))
    assert labels
    assert [label for label in labels if label not in texts] == []
