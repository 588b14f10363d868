"""How large a query may be: every bound in one place, so that no reader has to wait for one that
cannot be answered. Each refusal tells the number that was found, the limit, and what to do."""

from __future__ import annotations

MAX_CHARACTERS = 2000
"""How long a query text may be."""

MAX_LEAVES = 200
"""How many words, phrases and ranges a query text may have."""

MAX_NESTING = 60
"""How many parentheses and signs of negation may stand within each other in a text."""

MAX_DEPTH = 20
"""How many `AllOf`, `AnyOf` and `Not` may stand within each other in what a text means."""

MAX_WILDCARDS = 20
"""How many `*` and `?` one value may have."""

MAX_ON_METADATA = 50
"""How many conditions on metadata a query may have: each takes the metadata of an entry apart."""

MAX_METADATA_PATHS = 10
"""How many different paths into the metadata they may name."""

MAX_ON_PATTERNS = 20
"""How many conditions on message patterns a query may have."""

MAX_PATH_NAMES = 10
"""How many names deep a path into the metadata may go."""

MAX_NAME_CHARACTERS = 100
"""How long a name in such a path may be."""

MAX_VALUES = 200
"""How many values one field of a filter may list."""

MAX_TEXT = 500
"""How many characters a value or the search text of a filter may have."""
