"""Columns are redacted as single entries are."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import AuditEntry
from audit_core.domain.redaction import SECRET_KEYS, redact
from audit_core.evidence import redacting
from audit_core.evidence.redacting import redacted
from audit_core.log.schema import as_table, from_arrow
from tests.evidence.nasty_entries import made
from tests.support.laws import law
from tests.support.secret_strategies import CORPUS, PIECES, texts

_NAMES = st.lists(
    st.sampled_from(
        (*PIECES, *sorted(SECRET_KEYS), "to", "ken", "K", "\u212aey", "I", "\u0130", "\t")
    ),
    max_size=3,
).map("".join)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=5,
)
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=3)


def stored(value: object) -> str:
    """As the log keeps metadata."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shown(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    return from_arrow(redacted(as_table(list(entries))))


@law(600)
@given(st.lists(st.tuples(st.none() | texts, st.none() | _OBJECTS), max_size=6), st.booleans())
def test_columns_are_redacted_as_entries_are(
    found: list[tuple[str | None, dict[str, object] | None]], few: bool
) -> None:
    """Whether RE2 looks through them, or the interpreter as it does where there are few."""
    entries = [
        made(number, error_message=text, metadata=None if value is None else stored(value))
        for number, (text, value) in enumerate(found)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redacting, "_FEW_BYTES", 1 << 20 if few else -1)
        assert shown(entries) == [redact(entry) for entry in entries]


@pytest.fixture(params=(-1, 1 << 20), ids=("RE2", "interpreter"))
def looked_through(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redacting, "_FEW_BYTES", request.param)


@pytest.mark.usefixtures("looked_through")
def test_the_corpus_is_redacted_in_messages_and_at_any_place_of_metadata() -> None:
    entries = [
        made(number, error_message=sample.text, metadata=stored(value))
        for number, sample in enumerate(CORPUS)
        for value in (
            {"body": {"text": sample.text}},
            {"list": ["x", sample.text, 1]},
            {"a": [{"b": {sample.text: "x"}}], "c": f"x\n{sample.text}"},
        )
    ]
    assert shown(entries) == [redact(entry) for entry in entries]
    # Seen from the whole, most of it holds secrets: not a rule that finds nothing.
    assert sum(redact(entry) != entry for entry in entries) > len(entries) / 3


@pytest.mark.parametrize(
    "metadata",
    [
        r'{"\u0074oken":"hidden"}',
        r'{"a":"\u0070assword=hidden"}',
        r'{"a":"https:\/\/u:hidden@host"}',
        '{"to-k.en":"hidden"}',
        '{"TO\u212aEN":"hidden"}',
        '{"ap\u0130key":"hidden"}',
        r'{"to\nken":"hidden"}',
        r'{"to\"ken" :"hidden"}',
        '{"a":1,"token":"hidden"',
        "hidden",
    ],
)
def test_no_spelling_hides_a_secret(metadata: str) -> None:
    entry = made(1, metadata=metadata)
    assert shown([entry]) == [redact(entry)]
    assert "hidden" not in str(shown([entry]))


def test_metadata_without_a_secret_stays_as_it_is_stored() -> None:
    metadata = '{ "b":1.50, "a":[ 1e3,\n2 ], "a":"x" }'
    assert shown([made(1, metadata=metadata)]) == [made(1, metadata=metadata)]


def test_nothing_to_redact_and_no_entries_at_all() -> None:
    assert shown([]) == []
    assert shown([made(1)]) == [made(1)]
    column = redacted(as_table([made(1)])).column("metadata")
    assert column.type == pa.string()
