"""The page that shows the OpenAPI document to people.

It is made on the server and runs no script, so it needs nothing of the content security policy,
and the browser's own search finds every word of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

Json = Mapping[str, Any]

_CODE = re.compile(r"`([^`]+)`")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")

_CALLERS = {
    "session": "a person who is signed in",
    "token": "a program with a token",
    "operator": "whoever holds the key file",
    "signature": "Daytona, with a signature",
}


def page(document: Json) -> str:
    """The whole page. The document is ours, and all of it is escaped nevertheless."""
    info = document["info"]
    sections = [_Section(tag["name"], document) for tag in document["tags"]]
    schemas = document["components"]["schemas"]
    return _PAGE.format(
        version=escape(info["version"]),
        about=_text(info["description"]),
        navigation="".join(section.navigation() for section in sections),
        sections="".join(section.html() for section in sections),
        schemas="".join(_schema(name, schema) for name, schema in sorted(schemas.items())),
    )


class _Section:
    """One chapter: its operations, in the order of the document."""

    def __init__(self, name: str, document: Json) -> None:
        self._name, self._anchor = name, _NO_LETTERS.sub("-", name.lower())
        self._operations = [
            (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if name in operation["tags"]
        ]

    def navigation(self) -> str:
        entries = "".join(
            f'<li><a href="#{escape(operation["operationId"])}">{_text(operation["summary"])}</a>'
            "</li>"
            for _, _, operation in self._operations
        )
        return f'<li><a href="#{self._anchor}">{escape(self._name)}</a><ul>{entries}</ul></li>'

    def html(self) -> str:
        articles = "".join(_operation(*item) for item in self._operations)
        return (
            f'<section aria-labelledby="{self._anchor}"><h2 id="{self._anchor}">'
            f"{escape(self._name)}</h2>{articles}</section>"
        )


def _operation(method: str, path: str, operation: Json) -> str:
    parts = [
        f'<article id="{escape(operation["operationId"])}">',
        f'<h3><span class="method">{method.upper()}</span> <code>{_path(path)}</code></h3>',
        f"<p><strong>{_text(operation['summary'])}.</strong> {_who(operation)}</p>",
    ]
    if "description" in operation:
        parts.append(f"<p>{_text(operation['description'])}</p>")
    if "parameters" in operation:
        parts += ["<h4>Parameters</h4>", _list(map(_parameter, operation["parameters"]))]
    if "requestBody" in operation:
        parts += ["<h4>Body</h4>", _body(operation["requestBody"])]
    parts += ["<h4>Answers</h4>", _list(_answers(operation["responses"])), "</article>"]
    return "".join(parts)


def _who(operation: Json) -> str:
    callers = [_CALLERS[name] for scheme in operation["security"] for name in scheme]
    who = f"By {' or '.join(callers)}" if callers else "By anyone"
    if "x-permission" in operation:
        who += f", with <code>{escape(operation['x-permission'])}</code>"
    return f"{who}."


def _parameter(parameter: Json) -> tuple[str, str]:
    schema = parameter["schema"]
    many = schema.get("type") == "array"
    notes = [_text(parameter["description"])]
    if parameter["required"]:
        notes.append("Required.")
    if many:
        notes.append("Any number of times.")
    if kind := _kind(schema["items"] if many else schema):
        notes.append(f'<span class="kind">{kind}</span>')
    if "example" in parameter:
        notes.append(f"Such as <code>{escape(str(parameter['example']))}</code>.")
    return f"<code>{escape(parameter['name'])}</code>", " ".join(notes)


def _body(body: Json) -> str:
    types = " ".join(f"<code>{escape(name)}</code>" for name in body["content"])
    schemas = {_kind(content["schema"]) for content in body["content"].values() if content}
    return f"<p>{_text(body['description'])} {' '.join(sorted(schemas))}</p><p>{types}</p>"


def _answers(responses: Json) -> Iterator[tuple[str, str]]:
    for status, answer in responses.items():
        content = answer.get("content", {})
        kinds = {_kind(item["schema"]) for item in content.values() if "schema" in item}
        types = [f"<code>{escape(name)}</code>" for name in content if name != "application/json"]
        notes = [_text(answer["description"]), *sorted(filter(None, kinds)), *types]
        phrase = HTTPStatus(int(status)).phrase
        yield f"<code>{escape(status)}</code> {escape(phrase)}", " ".join(notes)


def _schema(name: str, schema: Json) -> str:
    required = set(schema.get("required", ()))
    fields = (
        (
            f"<code>{escape(field)}</code>",
            " ".join(
                filter(
                    None,
                    (
                        _text(found.get("description", "")),
                        f'<span class="kind">{kind}</span>' if (kind := _kind(found)) else "",
                        "" if field in required else "May be missing.",
                    ),
                )
            ),
        )
        for field, found in schema.get("properties", {}).items()
    )
    about = f"<p>{_text(schema['description'])}</p>" if "description" in schema else ""
    values = "" if "properties" in schema else f"<p>{_kind(schema)}</p>"
    return (
        f'<article id="schema-{escape(name)}"><h3>{escape(name)}</h3>{about}{values}'
        f"{_list(fields)}</article>"
    )


def _kind(schema: Json) -> str:
    """What a value is, in a few words of HTML; empty for a text of any kind."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rsplit("/", 1)[-1])
        return f'<a href="#schema-{name}">{name}</a>'
    for word in ("anyOf", "allOf"):
        if word in schema:
            kinds = [kind for item in schema[word] if (kind := _kind(item))]
            return (" or " if word == "anyOf" else " and ").join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {})) or 'values'}"
    if schema.get("format") == "date-time":
        return "time"
    names = {"string": "", "integer": "whole number", "boolean": "true or false"}
    kind = str(schema.get("type", ""))
    return names.get(kind, kind)


def _list(items: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in items)
    return f"<dl>{rows}</dl>" if rows else ""


def _path(path: str) -> str:
    # A long path may break behind a slash, and nowhere else.
    return escape(path).replace("/", "/<wbr>")


def _text(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


_PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>API reference · Sandtrail</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="../favicon.ico">
    <link rel="stylesheet" href="session/pages/reference.css">
  </head>
  <body>
    <a class="skip" href="#reference">Skip to the reference</a>
    <header>
      <h1>API reference</h1>
      <p>{about}</p>
      <p>Sandtrail {version} · <a href="openapi.json">OpenAPI document</a> · <a href="../">Open
      the app</a></p>
    </header>
    <nav aria-label="Routes">
      <ul>{navigation}<li><a href="#schemas">Schemas</a></li></ul>
    </nav>
    <main id="reference">
      {sections}
      <section aria-labelledby="schemas"><h2 id="schemas">Schemas</h2>{schemas}</section>
    </main>
  </body>
</html>
"""
