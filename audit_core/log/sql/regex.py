"""Regular expressions as each engine takes them: in literals, tried on a text, replaced in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce


def _plain(text: str) -> str:
    """A literal in which a backslash means itself."""
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    """A literal in which a backslash takes the meaning of what follows."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regular:
    """How one engine spells it. Texts and literals are given as SQL."""

    literal: Callable[[str], str]
    """A text as a literal."""
    tried: str
    """Whether a `{text}` holds what fits a `{shape}`."""
    replaced: str
    """The `{text}` with all that fits the `{shape}` replaced `{by}` something."""

    def replace_all(self, text: str, steps: Iterable[tuple[str, str]]) -> str:
        """The text after one step after the other: literals of (shape, what to replace it by)."""
        return reduce(
            lambda inner, step: self.replaced.format(text=inner, shape=step[0], by=step[1]),
            steps,
            text,
        )


REGULAR: dict[str, Regular] = {
    "duckdb": Regular(
        literal=_plain,
        # No shape is empty. To plan `regexp_matches`, DuckDB works out between which texts all
        # matches lie, which for the shapes of secrets takes longer than most statements run.
        tried="(regexp_extract({text}, {shape}) <> '')",
        replaced="regexp_replace({text}, {shape}, {by}, 'g')",
    ),
    "postgresql": Regular(
        literal=_plain,
        tried="({text} ~ {shape})",
        replaced="regexp_replace({text}, {shape}, {by}, 'g')",
    ),
    "clickhousedb": Regular(
        literal=_escaped,
        tried="match({text}, {shape})",
        replaced="replaceRegexpAll({text}, {shape}, {by})",
    ),
}
"""By the name of the engine's SQLAlchemy dialect."""
