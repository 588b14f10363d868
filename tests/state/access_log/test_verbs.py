"""Every deed that the program records is described, and every description is of such a deed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_core.state.access_log.verbs import VERBS, Category, verb_named

ROOT = Path(__file__).parents[3]
RECORDERS = {
    *("record", "record_by", "_record", "record_deed", "note", "add", "keep"),
    *("_note", "note_refusal", "begin"),
}
"""The functions that take a verb, by their last name."""


def recorded() -> Iterator[tuple[str, str]]:
    """File and verb of every call that records a deed and says its verb there."""
    for path in sorted([*(ROOT / "audit_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tables = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Dict)
        }
        for node in ast.walk(tree):
            given: list[ast.expr] = []
            if isinstance(node, ast.Call):
                if ast.unparse(node.func).rpartition(".")[2] not in RECORDERS:
                    continue
                given = [*node.args, *(one.value for one in node.keywords if one.arg == "verb")]
            elif isinstance(node, ast.FunctionDef) and node.name in RECORDERS:
                given = [default for default in node.args.kw_defaults if default is not None]
            for value in given:
                yield from ((path.name, text) for text in _verbs(value, tables))


def _verbs(value: ast.expr, tables: dict[str, ast.Dict]) -> Iterator[str]:
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        # Looked up in a table of the module.
        table = tables.get(value.value.id)
        for item in [] if table is None else table.values:
            yield from _verbs(item, tables)
    elif isinstance(value, ast.IfExp):
        yield from _verbs(value.body, tables)
        yield from _verbs(value.orelse, tables)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        first, dot, rest = value.value.partition(".")
        if value.value in ("ingest", "sign_out") or (
            dot and first.isidentifier() and rest.isidentifier() and value.value.islower()
        ):
            yield value.value


def test_every_verb_that_is_recorded_is_described() -> None:
    assert [(path, verb) for path, verb in recorded() if verb not in VERBS] == []


def test_every_verb_that_is_described_is_recorded() -> None:
    made_from_parts = {"access_record.expired"} | {
        name for name in VERBS if name.startswith("record_export.")
    }
    assert set(VERBS) - {verb for _, verb in recorded()} <= made_from_parts


@pytest.mark.parametrize("verb", VERBS.values(), ids=str)
def test_a_verb_has_a_sentence_and_what_is_joined_is_a_refusal_or_a_programs_read(
    verb: object,
) -> None:
    assert verb.sentence[0].isupper()  # type: ignore[attr-defined]
    assert verb.sentence.endswith(".")  # type: ignore[attr-defined]
    # A program reads a log in hundreds of pages, and alerts each minute.
    joined = verb.name.endswith((".refused", ".read"))  # type: ignore[attr-defined]
    assert not verb.joined or joined  # type: ignore[attr-defined]


def test_every_category_has_a_label_and_a_verb() -> None:
    assert {verb.category for verb in VERBS.values()} == set(Category)
    assert len({category.label for category in Category}) == len(Category)


def test_a_verb_that_nobody_described_is_recorded_by_its_name() -> None:
    assert verb_named("gate.refused").outcome == "refused"
    assert verb_named("gate.opened").sentence == "gate.opened."
