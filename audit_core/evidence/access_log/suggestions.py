"""What could be written next in a query of the access record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import VOCABULARY, RecordScope
from audit_core.explore.autocomplete.completion import suggest
from audit_core.explore.autocomplete.suggestions import Listed, Suggestions, suggestions
from audit_core.explore.facets import FacetValue
from audit_core.query.language.ast import Field
from audit_core.state.access_log.verbs import VERBS

MAX_VALUES = 2_000
"""How many values of a field are suggested from, the most frequent ones."""

COLUMN_OF: dict[Field, str] = {
    Field.ACTOR: "actor",
    Field.ACTION: "verb",
    Field.TARGET_ID: "target",
    Field.IP_ADDRESS: "address",
}
"""The columns whose values are suggested, by field."""

ReadValues = Callable[[str, RecordScope], Listed]
"""What `values_of` reads, or what is remembered of it."""


def values_of(reader: RecordReader) -> ReadValues:
    """Reads what there is of a column of `COLUMN_OF` within a scope. Actions that nobody has
    done are listed too, with what each of them means."""

    def read(column: str, scope: RecordScope) -> Listed:
        found = reader.listed(column, scope, MAX_VALUES)
        if column != COLUMN_OF[Field.ACTION]:
            return found
        done = {item.value for item in found.values}
        never = tuple(FacetValue(value=name, count=0) for name in VERBS if name not in done)
        notes = {name: verb.sentence for name, verb in VERBS.items()}
        return replace(found, values=found.values + never, notes=notes)

    return read


def suggested(before: str, after: str, scope: RecordScope, read: ReadValues) -> Suggestions:
    """What to show below the text `before` and `after` the cursor."""
    text = before + after
    completion = suggest(text, len(before), VOCABULARY)
    column = None if completion.field is None else COLUMN_OF.get(completion.field)
    listed = Listed() if column is None or completion.is_bound else read(column, scope)
    return suggestions(text, completion, listed, VOCABULARY)
