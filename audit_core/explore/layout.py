"""The columns of a list of entries, and how the list is laid out, as an address says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from audit_core.domain.errors import FilterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column that a list of entries can have."""

    name: str
    """The name in addresses; stays the same for ever."""
    label: str
    """The name for people, in sentence case."""


COLUMNS: dict[str, Column] = {
    name: Column(name=name, label=label)
    for name, label in (
        ("time", "Time"),
        ("age", "Age"),
        ("user", "User"),
        ("action", "Action"),
        ("outcome", "Outcome"),
        ("target", "Target"),
        ("message", "Message"),
        ("actor_id", "User id"),
        ("key", "API key"),
        ("category", "Category"),
        ("target_type", "Target type"),
        ("target_id", "Target id"),
        ("status", "Status code"),
        ("ip", "IP address"),
        ("agent", "User agent"),
        ("source", "Source"),
        ("metadata", "Metadata"),
        ("id", "Entry id"),
        ("received", "Received"),
    )
}
"""Every column by its name, in the order in which they are offered."""

DEFAULT_COLUMNS: tuple[str, ...] = (
    *("age", "time", "user", "action", "target", "outcome", "message"),
)
"""As one says it: `5h ago, janedoe@acme.com, create, sandbox 10f249ad, Success`."""

ROW_SIZES = (10, 25, 50, 100, 200)
"""How many entries a page may hold."""


class Density(StrEnum):
    """How much room a row takes. The value is the name used in addresses."""

    COMPACT = "compact"
    NORMAL = "normal"
    COMFORTABLE = "comfortable"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns a list shows, in their order, and how dense it is.

    Raises `ValueError` with the reason for no column, an unknown one, or one that stands twice.
    """

    columns: tuple[str, ...] = DEFAULT_COLUMNS
    """Names of `COLUMNS`; at least one, each once."""
    density: Density = Density.NORMAL

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("it names no column")
        for place, name in enumerate(self.columns):
            if name not in COLUMNS:
                raise ValueError(f"{name!r} is not one of {', '.join(COLUMNS)}")
            if name in self.columns[:place]:
                raise ValueError(f"{name!r} stands there twice")

    def to_params(self) -> dict[str, list[str]]:
        """The layout as URL parameters, all of it. `from_params` gives it back."""
        return {"columns": [",".join(self.columns)], "density": [self.density.value]}

    @classmethod
    def from_params(cls, params: Mapping[str, Sequence[str]], absent: Layout) -> Layout:
        """The layout that URL parameters mean; what they leave out is as in `absent`.

        Looks at `columns` and `density` only. Raises `FilterError` with a sentence for each that
        is wrong.
        """
        problems: list[str] = []
        columns, density = absent.columns, absent.density
        if "columns" in params:
            try:
                columns = cls(columns=_names(",".join(params["columns"]))).columns
            except ValueError as error:
                problems.append(f"The parameter columns cannot be read: {error}.")
        if "density" in params:
            text = ",".join(params["density"])
            try:
                density = Density(text)
            except ValueError:
                known = ", ".join(Density)
                problems.append(f"The parameter density is {text!r}, and not one of {known}.")
        if problems:
            raise FilterError(tuple(problems))
        return cls(columns=columns, density=density)


LAYOUT_PARAMS = ("columns", "density")
"""Every URL parameter that belongs to the layout."""


def moved(columns: tuple[str, ...], name: str, *, by: int) -> tuple[str, ...]:
    """The columns with one of them moved by so many places, at most to an end."""
    others = [item for item in columns if item != name]
    place = min(max(columns.index(name) + by, 0), len(others))
    return (*others[:place], name, *others[place:])


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))
