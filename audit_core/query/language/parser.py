"""The query language: Lucene's syntax, as people know it from Kibana and Datadog.

    actor:jane@acme.com action:(start OR create) -outcome:success status:[400 TO 499] "disk full"

- Conditions side by side are all meant: a space is an AND, and binds like one (before OR).
  `AND`, `OR`, `NOT` are operators in capitals only; `&&`, `||`, `!`, `-` and `+` mean the same.
- `*` and `?` are wildcards outside of quotation marks. A backslash takes its meaning from the
  character after it; between quotation marks nothing else means anything.
- Case counts in the value of a field, as it does in `EntryFilter`; it does not for words without a
  field, `message`, `agent`, `outcome`, `category` and the names of fields.
- `field:*` asks for any value, `field:none` (or `null`, or `-`) for none at all.

Nothing here reads a clock, a database or a setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from luqum import tree  # type: ignore[import-untyped]

from audit_core.query.language.ast import (
    EVERYTHING,
    Equals,
    Expression,
    Field,
    Matches,
    OnMetadata,
    all_of,
    any_of,
    depth,
    leaves,
    negation,
)
from audit_core.query.language.diagnostics import QueryError, QueryProblem, Refused, suggestion
from audit_core.query.language.fields import (
    ENTRY_VOCABULARY,
    METADATA_PARTS,
    METADATA_PREFIX,
    Vocabulary,
)
from audit_core.query.language.lexer import (
    Token,
    parsed,
    syntax_problems,
    tokens_of,
    too_deep,
    too_many,
)
from audit_core.query.language.literals import (
    Term,
    read_bounds,
    read_metadata,
    read_value,
    read_word,
)
from audit_core.query.language.masking import scan
from audit_core.query.limits import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_LEAVES,
    MAX_METADATA_PATHS,
    MAX_NAME_CHARACTERS,
    MAX_ON_METADATA,
    MAX_ON_PATTERNS,
    MAX_PATH_NAMES,
)

_Path = tuple[str, ...]
_Subject = Field | _Path | None
"""What the values belong to: a field, a path into the metadata, or nothing."""


def parse(text: str, vocabulary: Vocabulary = ENTRY_VOCABULARY, *, zone: str) -> Expression:
    """What a query text means that names fields of the vocabulary; a blank text means
    `EVERYTHING`. Days are those of `zone`, the name of a time zone.

    Raises `QueryError` with everything that is wrong, and nothing else for any text.
    """
    problems = _unreadable(text)
    if problems:
        raise QueryError(problems)
    if not text.strip():
        return EVERYTHING
    scanned = scan(text)
    tokens = tokens_of(text, scanned.masked)
    problems = [*scanned.problems, *syntax_problems(tokens)]
    if problems:
        raise QueryError([*problems, *_wrong_values(tokens, vocabulary, zone)])
    try:
        item = parsed(scanned.masked, tokens)
    except ValueError:
        raise QueryError([_not_understood(text)]) from None
    builder = _Builder(text, vocabulary, zone)
    expression = builder.built(item, None)
    problems = builder.problems or list(_too_large(expression, len(text)))
    if problems:
        raise QueryError(problems)
    return expression


def _too_large(expression: Expression, end: int) -> Iterator[QueryProblem]:
    """What is too much of what a text means."""
    if (deep := depth(expression)) > MAX_DEPTH:
        yield too_deep(0, end, deep, MAX_DEPTH)
    conditions = list(leaves(expression))
    on_metadata = [leaf for leaf in conditions if isinstance(leaf, OnMetadata)]
    on_patterns = [
        leaf
        for leaf in conditions
        if isinstance(leaf, Equals | Matches) and leaf.field is Field.MESSAGE_PATTERN
    ]
    for found, limit, what in (
        (len(conditions), MAX_LEAVES, "conditions"),
        (len(on_metadata), MAX_ON_METADATA, "conditions on metadata"),
        (len({leaf.path for leaf in on_metadata}), MAX_METADATA_PATHS, "paths into the metadata"),
        (len(on_patterns), MAX_ON_PATTERNS, "conditions on message patterns"),
    ):
        if found > limit:
            yield too_many(found, end, limit, what)


def _unreadable(text: str) -> list[QueryProblem]:
    if len(text) > MAX_CHARACTERS:
        return [
            QueryProblem(
                start=MAX_CHARACTERS,
                end=len(text),
                message=f"The query has {len(text)} characters; "
                f"at most {MAX_CHARACTERS} are allowed.",
                hint="Shorten it; wildcards and ranges can stand for long lists.",
            )
        ]
    return [
        QueryProblem(
            start=found.start(),
            end=found.end(),
            message="Here stands something that is not text.",
            hint="Remove it and type the text again.",
        )
        for found in re.finditer("[\x00\ud800-\udfff]+", text)
    ]


def _not_understood(text: str) -> QueryProblem:
    return QueryProblem(
        start=0,
        end=len(text),
        message="The query cannot be understood.",
        hint="Put quotation marks around values with special characters.",
    )


def _wrong_values(tokens: list[Token], vocabulary: Vocabulary, zone: str) -> Iterator[QueryProblem]:
    """What is wrong with plain values of fields in a text that luqum's parser would not accept."""
    kinds = [token.kind for token in tokens]
    for position, (name, _, value) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        plain = kinds[position : position + 2] == ["TERM", "COLUMN"] and value.kind in (
            "TERM",
            "PHRASE",
        )
        is_value = position > 0 and kinds[position - 1] in ("COLUMN", "LESSTHAN", "GREATERTHAN")
        if plain and not is_value:
            try:
                subject = named(
                    Term(source=name.source, start=name.start, end=name.end), vocabulary
                )
                term = Term(source=value.source, start=value.start, end=value.end)
                read(subject, term, vocabulary, zone=zone)
            except Refused as refused:
                yield refused.problem


class _Builder:
    """Turns luqum's tree into ours; keeps what is wrong instead of stopping at it."""

    def __init__(self, text: str, vocabulary: Vocabulary, zone: str) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.zone = zone
        self.problems: list[QueryProblem] = []

    def built(self, item: Any, subject: _Subject) -> Expression:
        """The part of the tree; `EVERYTHING` in place of what is wrong."""
        if isinstance(item, tree.AndOperation):
            return all_of([self.built(operand, subject) for operand in item.operands])
        if isinstance(item, tree.OrOperation):
            return any_of([self.built(operand, subject) for operand in item.operands])
        if isinstance(item, tree.BaseGroup):
            return self.built(item.expr, subject)
        if isinstance(item, tree.Plus):
            return self.built(item.a, subject)
        if isinstance(item, tree.Not | tree.Prohibit):
            return negation(self.built(item.a, subject))
        try:
            if isinstance(item, tree.SearchField):
                return self._field(item, subject)
            return self._leaf(item, subject)
        except Refused as refused:
            self.problems.append(refused.problem)
            return EVERYTHING

    def _field(self, item: Any, subject: _Subject) -> Expression:
        start, end = item.pos, item.pos + len(item.name)
        name = Term(source=self.text[start:end], start=start, end=end)
        if subject is not None:
            raise name.refused(
                f"The field {name.source} stands among the values of another field.",
                "Close the group before it, or put quotation marks around a value with a colon.",
            )
        if name.source == "*" and isinstance(item.expr, tree.Word):
            return self.built(item.expr, None)
        try:
            return self.built(item.expr, named(name, self.vocabulary))
        except Refused as refused:
            self.problems.append(refused.problem)
            return EVERYTHING

    def _leaf(self, item: Any, subject: _Subject) -> Expression:
        if isinstance(item, tree.Word | tree.Phrase):
            return read(subject, self._term(item), self.vocabulary, zone=self.zone)
        whole = self._term(item)
        if subject is None:
            raise whole.refused(
                "This range belongs to no field.", "Write one before it, like status:[400 TO 499]."
            )
        if not isinstance(subject, Field):
            raise whole.refused(
                "There are no ranges of metadata.", "Use a value, wildcards, or * for any."
            )
        if isinstance(item, tree.Range):
            return read_bounds(
                subject,
                self._term(item.low),
                self._term(item.high),
                include_low=item.include_low,
                include_high=item.include_high,
                zone=self.zone,
            )
        term = self._term(item.a)
        below = isinstance(item, tree.To)
        return read_bounds(
            subject,
            None if below else term,
            term if below else None,
            include_low=not below and item.include,
            include_high=below and item.include,
            zone=self.zone,
        )

    def _term(self, item: Any) -> Term:
        start, end = item.span()
        return Term(source=self.text[start:end], start=start, end=end)


def named(name: Term, vocabulary: Vocabulary = ENTRY_VOCABULARY) -> Field | _Path:
    """The field or the path into the metadata of that name. Raises `Refused` if it is unknown."""
    if name.source.lower().startswith(METADATA_PREFIX):
        return _path(name)
    word = vocabulary.word_called(name.source)
    if word is not None:
        return word.field
    hints = [suggestion(name.source, vocabulary.all_names)]
    if name.source.lower().partition(".")[0] in METADATA_PARTS:
        hints = [f"Parts of the request are asked for like {METADATA_PREFIX}{name.source}."]
    hints += [
        f"The fields are {', '.join(vocabulary.field_names)}.",
        "Put quotation marks around a text with a colon.",
    ]
    raise name.refused(f"There is no field “{name.source}”.", " ".join(filter(None, hints)))


def read(
    subject: _Subject, term: Term, vocabulary: Vocabulary = ENTRY_VOCABULARY, *, zone: str
) -> Expression:
    """The condition that a term means for a field, a path into the metadata, or without either;
    days are those of `zone`.

    Raises `Refused`.
    """
    if subject is None:
        return read_word(term)
    if isinstance(subject, Field):
        return read_value(subject, term, vocabulary.word_of(subject), zone=zone)
    return read_metadata(subject, term)


def _path(name: Term) -> _Path:
    """The names of a path, split at dots without a backslash before them."""
    source = name.source[len(METADATA_PREFIX) :]
    escaped = re.findall(r"((?:\\.|[^.\\])*)\.", source + ".", flags=re.DOTALL)
    names = tuple(re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in escaped)
    if not all(names):
        raise name.refused(
            "The path into the metadata has an empty name.",
            f"Write it like {METADATA_PREFIX}body.snapshot, with one dot between two names.",
        )
    if len(names) > MAX_PATH_NAMES:
        raise name.refused(
            f"The path into the metadata is {len(names)} names deep; "
            f"at most {MAX_PATH_NAMES} are allowed.",
            "Shorten it.",
        )
    if max(map(len, names)) > MAX_NAME_CHARACTERS:
        raise name.refused(
            "The path into the metadata has a name that is too long; "
            f"at most {MAX_NAME_CHARACTERS} characters are allowed.",
            "Shorten it.",
        )
    return names
