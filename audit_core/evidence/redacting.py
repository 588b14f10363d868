"""Secrets in columns of entries, replaced as `domain.redaction.redact` does in one entry.

Each distinct value is looked at once, and only what may hold a secret is taken apart: that is told
by RE2, which reads hundreds of megabytes a second and leaves the interpreter to others meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.redaction import (
    SEARCHES,
    SECRET_ENDINGS,
    SECRET_KEYS,
    redact_metadata,
    redact_text,
)
from audit_core.domain.secret_shapes import SHAPES

Mask = npt.NDArray[np.bool_]

_MAX_KEPT = 1_024
"""Up to how many characters a value is remembered with what was made of it."""


_FEW_BYTES = 20_000
"""How much text is looked through by the interpreter: RE2 makes itself ready anew each time, which
takes 8 ms for the largest shape."""


def _either(texts: tuple[str, ...]) -> str:
    return f"(?i:{'|'.join(map(re.escape, texts))})"


_LITERALS = tuple(_either(shape.literals) for shape in SHAPES)

_ESCAPED_LITERAL = _either(tuple(literal for shape in SHAPES for literal in shape.literals))

_HIDING = r"\\[u/]|\x{130}"
"""What may write a letter or a slash otherwise, or become a letter in lower case."""

_BETWEEN = r'(?:\\.|[^A-Za-z0-9"\\])*'
"""What may stand between the letters of a name: see `redaction.is_secret`."""

_SECRET_KEY = "(?i:{}){}".format(
    "|".join(_BETWEEN.join(name) for name in (*sorted(SECRET_KEYS), *SECRET_ENDINGS)),
    _BETWEEN + r'"\s*:',
)


def redacted(table: pa.Table) -> pa.Table:
    """A table of entries, with at least the columns that can hold secrets, as it may be shown and
    exported unasked. Metadata that holds none stays as it is stored."""
    for name, change in (("error_message", _texts), ("metadata", _objects)):
        index = table.schema.get_field_index(name)
        encoded = table.column(index).combine_chunks().dictionary_encode()
        changed = change(encoded.dictionary)
        table = table.set_column(index, table.schema.field(index), changed.take(encoded.indices))
    return table


def _texts(texts: pa.Array) -> pa.Array:
    return _replaced(texts, _shaped(texts, np.zeros(len(texts), bool)), _text)


def _objects(objects: pa.Array) -> pa.Array:
    """What may hold a secret is told from the text of the JSON. Without an escape in it, a value is
    a part of that text, between marks that no shape tells from the ends of a text: if nothing in
    the whole has a secret's shape, nothing in a value has."""
    suspected = _shaped(objects, _matching(objects, f"{_SECRET_KEY}|{_HIDING}"))
    escaped = np.flatnonzero(_matching(objects, r"\\"))
    suspected[escaped] |= _matching(objects.take(pa.array(escaped)), _ESCAPED_LITERAL)
    suspected |= ~_matching(objects, r"(?s)\A\{.*\}\z")
    return _replaced(objects, suspected, _object)


def _shaped(texts: pa.Array, known: Mask) -> Mask:
    """Which texts hold something of a secret's shape, or are `known` to hold secrets. The literals
    of a shape are looked for first: some are slow to try."""
    found = known.copy()
    for shape, literals, search in zip(SHAPES, _LITERALS, SEARCHES, strict=True):
        likely = np.flatnonzero(_matching(texts, literals) & ~found)
        some = texts.take(pa.array(likely))
        if some.nbytes <= _FEW_BYTES:
            found[likely] = [search(text) is not None for text in some.to_pylist()]
        else:
            found[likely] = _matching(some, shape.pattern)
    return found


def _matching(texts: pa.Array, pattern: str) -> Mask:
    """Which of the texts, none of them null, have a match."""
    found: Mask = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return found.astype(bool)


def _replaced(values: pa.Array, which: Mask, change: Callable[[str], str]) -> pa.Array:
    if not which.any():
        return values
    mask = pa.array(which)
    changed = pa.array(map(change, values.filter(mask).to_pylist()), values.type)
    return pc.replace_with_mask(values, mask, changed)


_short_text = lru_cache(maxsize=16_384)(redact_text)
_short_object = lru_cache(maxsize=16_384)(redact_metadata)


def _text(text: str) -> str:
    return _short_text(text) if len(text) <= _MAX_KEPT else redact_text(text)


def _object(text: str) -> str:
    changed = _short_object(text) if len(text) <= _MAX_KEPT else redact_metadata(text)
    return changed or ""
