"""Which file: its format, whom it is for, and what else may be chosen of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from audit_core.evidence.formats import csv_text, json_lines_writer, parquet_writer, xlsx_writer
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.options import DEFAULTS, DELIMITERS, FileOptions
from audit_core.evidence.pack import layout as pack_layout


class TextFormat(StrEnum):
    """The formats of lists that are no entries, by the name used in URLs and on the command
    line."""

    CSV = "csv"
    JSONL = "jsonl"


class StreamedFormat(StrEnum):
    """The formats of entries that are sent as they are read, by the same names."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"


class Format(StrEnum):
    """The formats of entries, by the name used in URLs and on the command line."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    PACK = "pack"

    @property
    def media_type(self) -> str:
        """The type that HTTP says."""
        return _MEDIA_TYPES[self]

    @property
    def is_text(self) -> bool:
        """Whether it is one of `TextFormat`."""
        return self.value in list(TextFormat)

    @property
    def label(self) -> str:
        """The name for people."""
        return _LABELS[self]


_MEDIA_TYPES = {
    Format.CSV: csv_text.MEDIA_TYPE,
    Format.JSONL: json_lines_writer.MEDIA_TYPE,
    Format.PARQUET: parquet_writer.MEDIA_TYPE,
    Format.XLSX: xlsx_writer.MEDIA_TYPE,
    Format.PACK: pack_layout.MEDIA_TYPE,
}
_LABELS = {
    Format.CSV: "CSV",
    Format.JSONL: "JSON lines",
    Format.PARQUET: "Parquet",
    Format.XLSX: "Excel",
    Format.PACK: "Pack with proof",
}

CHOICES = ("columns", "times", "delimiter", "compression")
"""The parameters of `FileKind.choices`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """The format of a file, and whom it is for; as text what its name ends with.

    Raises `ValueError` with a sentence for what does not go together.
    """

    format: Format
    audience: Audience = Audience.MACHINES
    """Of CSV; the other formats are for machines, or for spreadsheets, whatever is given."""
    options: FileOptions = DEFAULTS
    compression: Compression = Compression.NONE
    """Of CSV and JSON lines only: the others are compressed by themselves."""

    def __post_init__(self) -> None:
        if self.compression is not Compression.NONE and not self.format.is_text:
            raise ValueError(f"{self.format.label} is compressed as it is.")
        if self.options.delimiter != DEFAULTS.delimiter and self.format is not Format.CSV:
            raise ValueError(f"{self.format.label} has no delimiter.")
        if self.format is Format.PACK and self.options != DEFAULTS:
            raise ValueError("A pack holds all columns, with times in UTC.")

    @property
    def media_type(self) -> str:
        """The type that HTTP says."""
        return self.compression.media_type or self.format.media_type

    def detail(self) -> dict[str, object]:
        """What the access record says of it."""
        whom = {"for": self.audience.value} if self.format is Format.CSV else {}
        choices = {name: texts[0] for name, texts in self.choices().items()}
        return {"format": self.format.value, **whom, **choices}

    def params(self) -> dict[str, list[str]]:
        """The parameters of an address that asks for it; spreadsheets need not be named there."""
        machines = self.format is Format.CSV and self.audience is Audience.MACHINES
        whom = {"for": [self.audience.value]} if machines else {}
        return {"format": [self.format.value], **whom, **self.choices()}

    def choices(self) -> dict[str, list[str]]:
        """What was chosen beyond format and audience, as parameters of an address; see
        `with_choices`."""
        options = self.options
        (delimiter,) = (name for name, text in DELIMITERS.items() if text == options.delimiter)
        chosen = {
            "columns": (",".join(options.columns), ",".join(DEFAULTS.columns)),
            "times": (options.zone, DEFAULTS.zone),
            "delimiter": (delimiter, "comma"),
            "compression": (self.compression.value, Compression.NONE.value),
        }
        return {name: [text] for name, (text, usual) in chosen.items() if text != usual}

    def with_choices(self, params: dict[str, list[str]]) -> FileKind:
        """The same with what `params` choose, whose `CHOICES` are taken out: `columns` by their
        names with commas between, `times` for the zone of times, `delimiter`, `compression`.

        Raises `ValueError` with a sentence.
        """
        given = {name: params.pop(name)[-1] for name in CHOICES if params.get(name)}
        options = self.options
        if columns := given.get("columns"):
            options = replace(options, columns=tuple(columns.split(",")))
        if zone := given.get("times"):
            options = replace(options, zone=zone)
        if delimiter := given.get("delimiter"):
            options = replace(options, delimiter=DELIMITERS.get(delimiter, delimiter))
        compression = given.get("compression", self.compression.value)
        if compression not in list(Compression):
            raise ValueError(
                f"The compression {compression!r} is not one of {', '.join(Compression)}."
            )
        return replace(self, options=options, compression=Compression(compression))

    def describe(self) -> str:
        """For people: `CSV for spreadsheets`, `JSON lines, gzip`, `Excel, times in Asia/Tokyo`."""
        whom = f" for {self.audience.value}" if self.format is Format.CSV else ""
        zone = self.options.zone
        parts = [
            f"{self.format.label}{whom}",
            *([] if self.compression is Compression.NONE else [self.compression.value]),
            *([] if zone == DEFAULTS.zone else [f"times in {zone}"]),
        ]
        return ", ".join(parts)

    def __str__(self) -> str:
        whom = f"_for-{self.audience.value}" if self.format is Format.CSV else ""
        zone = self.options.zone
        where = "" if zone == DEFAULTS.zone else f"_times-{zone.lower().replace('/', '-')}"
        if self.format is Format.PACK:
            return f"_pack.{pack_layout.EXTENSION}"
        return f"{where}{whom}.{self.format.value}{self.compression.suffix}"
