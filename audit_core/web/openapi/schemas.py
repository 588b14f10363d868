"""JSON schemas of the types that routes read and answer with, made by pydantic.

Descriptions are the docstrings of the types and of their attributes: said once, in the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from audit_core.domain.rejections import RAW_LIMIT
from audit_core.explore.autocomplete.suggestions import MAX_SUGGESTED

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"

_WORDS: Mapping[str, str] = {
    "`None`": "`null`",
    "`RAW_LIMIT`": f"{RAW_LIMIT:,} characters",
    "`MAX_SUGGESTED`": str(MAX_SUGGESTED),
}
"""What docstrings say to programmers of this code, as others would say it."""

_CONFIG = ConfigDict(use_attribute_docstrings=True)


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """No titles: they would repeat the names."""
        return False


def schemas_of(kinds: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """The schema of each type, and the definitions that they refer to, by name."""
    unique = list(dict.fromkeys(kinds))
    # In a list: the configuration of a list holds for the dataclasses in it, which have none.
    adapters = [
        (number, "serialization", TypeAdapter(list[kind], config=_CONFIG))  # type: ignore[valid-type]
        for number, kind in enumerate(unique)
    ]
    made, shared = TypeAdapter.json_schemas(
        adapters,  # type: ignore[arg-type]  # numbers are keys as good as any
        ref_template=REFERENCE,
        schema_generator=_Generator,
    )
    schemas = {unique[number]: _said(schema["items"]) for (number, _), schema in made.items()}
    definitions = shared.get("$defs", {})
    return schemas, {_named(name): _said(found) for name, found in definitions.items()}


def _named(name: str) -> str:
    """A name without the modules of this code, which stand in it where two types are called
    alike: `EntriesCategory` for `audit_core.domain.entries.Category`."""
    *modules, own = name.split("__")
    return f"{modules[-1].title().replace('_', '')}{own}" if modules else own


def _said(schema: Any) -> Any:
    """The schema with descriptions for readers of JSON."""
    if isinstance(schema, list):
        return [_said(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _said(value) for name, value in schema.items() if name != "title"}
    if isinstance(changed.get("$ref"), str):
        folder, _, name = changed["$ref"].rpartition("/")
        changed["$ref"] = f"{folder}/{_named(name)}"
    if isinstance(changed.get("description"), str):
        text = re.sub(r"\s+", " ", changed["description"]).replace("``", "`")
        for said, meant in _WORDS.items():
            text = text.replace(said, meant)
        changed["description"] = text
    return changed
