"""What may be chosen of a file of entries, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.domain.entries import FIELDS
from audit_core.query.time.windows import UTC_NAME
from audit_core.runtime.zones import is_zone

NAMES = tuple(name for name, _ in FIELDS)
"""The names of all columns, in the order that files have unless another is chosen."""

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
"""What separates the cells of CSV, by the name used in addresses and on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What somebody chose of a file. Raises `ValueError` with a sentence for what is none."""

    columns: tuple[str, ...] = NAMES
    """Names of `NAMES` in the order of the file, each once."""
    zone: str = UTC_NAME
    """The IANA time zone in which times are written."""
    delimiter: str = ","
    """Of CSV: one of the values of `DELIMITERS`."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.columns if name not in NAMES]:
            raise ValueError(f"There is no column {unknown[0]!r}; there are {', '.join(NAMES)}.")
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise ValueError("A file needs at least one column, and each of them once.")
        if not is_zone(self.zone):
            raise ValueError(f"There is no time zone {self.zone!r}.")
        if self.delimiter not in DELIMITERS.values():
            raise ValueError(
                f"The delimiter {self.delimiter!r} is none of {', '.join(DELIMITERS)}."
            )


DEFAULTS = FileOptions()
