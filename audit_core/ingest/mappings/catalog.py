"""The mappings that come with the product, one file each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from audit_core.domain.errors import MappingError
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.parse import MAX_CHARACTERS, parse_mapping

FOLDER = Path(__file__).parents[3] / "data" / "mappings"
SUFFIX = ".yaml"


@cache
def shipped_mappings() -> tuple[Mapping, ...]:
    """All that are shipped, by name. Raises `MappingError` if one of them cannot be used."""
    return tuple(read_mapping_file(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}")))


def read_mapping_file(path: Path) -> Mapping:
    """The mapping in a file, which is called as the file is. Raises `MappingError`."""
    try:
        with path.open("rb") as file:
            text = file.read(4 * MAX_CHARACTERS).decode()
    except OSError as error:
        raise MappingError(
            f"The mapping {path} cannot be opened: {error.strerror}.",
            "Check its name and whether you may read it.",
        ) from error
    except UnicodeDecodeError as error:
        raise MappingError(f"The mapping {path} is not UTF-8.", "Save it as UTF-8.") from error
    return parse_mapping(text, path.stem, file=path.name)
