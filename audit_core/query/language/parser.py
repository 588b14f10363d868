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
from collections.abc import Iterator, Sequence

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
from audit_core.query.language.lexer import Kind, Token, scan
from audit_core.query.language.literals import (
    Term,
    read_bounds,
    read_metadata,
    read_value,
    read_word,
)
from audit_core.query.language.syntax import (
    COMPARISONS,
    PREFIXES,
    STARTS,
    syntax_problems,
    too_deep,
    too_many,
)
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
    tokens = scanned.tokens
    problems = [*scanned.problems, *syntax_problems(tokens)]
    if problems:
        raise QueryError([*problems, *_wrong_values(tokens, vocabulary, zone)])
    parser = _Parser(text, tokens, vocabulary, zone)
    expression = parser.expression(None)
    problems = parser.problems or list(_too_large(expression, len(text)))
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


def _wrong_values(
    tokens: Sequence[Token], vocabulary: Vocabulary, zone: str
) -> Iterator[QueryProblem]:
    """What is wrong with plain values of fields in a text that cannot be parsed."""
    kinds = [token.kind for token in tokens]
    for position, (name, _, value) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        plain = kinds[position : position + 2] == [Kind.TERM, Kind.COLON] and value.kind in (
            Kind.TERM,
            Kind.PHRASE,
        )
        is_value = position > 0 and kinds[position - 1] in {Kind.COLON, *COMPARISONS}
        if plain and not is_value:
            try:
                read(named(_term(name), vocabulary), _term(value), vocabulary, zone=zone)
            except Refused as refused:
                yield refused.problem


def _term(token: Token) -> Term:
    return Term(source=token.source, start=token.start, end=token.end)


class _Parser:
    """Reads tokens that are in order, by recursive descent; keeps what is wrong with names and
    values instead of stopping at it."""

    def __init__(
        self, text: str, tokens: Sequence[Token], vocabulary: Vocabulary, zone: str
    ) -> None:
        self.text = text
        self.tokens = tokens
        self.position = 0
        self.vocabulary = vocabulary
        self.zone = zone
        self.problems: list[QueryProblem] = []

    def expression(self, subject: _Subject) -> Expression:
        """Conditions of which any may be met, up to a closing parenthesis or the end; `EVERYTHING`
        in place of what is wrong."""
        parts = [self._all(subject)]
        while self._takes(Kind.OR):
            parts.append(self._all(subject))
        return any_of(parts)

    def _all(self, subject: _Subject) -> Expression:
        """An AND that is not written binds like one that is: `a b OR c` is `(a b) OR c`."""
        parts = [self._one(subject)]
        while self._takes(Kind.AND) or self._kind in STARTS:
            parts.append(self._one(subject))
        return all_of(parts)

    def _one(self, subject: _Subject) -> Expression:
        token = self._next()
        if token.kind is Kind.PLUS:
            return self._one(subject)
        if token.kind in PREFIXES:
            return negation(self._one(subject))
        if token.kind is Kind.OPEN:
            inner = self.expression(subject)
            self._next()
            return inner
        try:
            if self._takes(Kind.COLON):
                return self._field(_term(token), subject)
            if token.kind is Kind.RANGE_OPEN:
                return self._range(token, subject)
            if token.kind in COMPARISONS:
                return self._comparison(token, subject)
            return read(subject, _term(token), self.vocabulary, zone=self.zone)
        except Refused as refused:
            self.problems.append(refused.problem)
            return EVERYTHING

    def _field(self, name: Term, subject: _Subject) -> Expression:
        if subject is not None:
            self._skip()
            raise name.refused(
                f"The field {name.source} stands among the values of another field.",
                "Close the group before it, or put quotation marks around a value with a colon.",
            )
        if name.source == "*" and self._kind in (Kind.TERM, Kind.TO):
            return self._one(None)
        try:
            asked = named(name, self.vocabulary)
        except Refused:
            self._skip()
            raise
        return self._one(asked)

    def _skip(self) -> None:
        """Past a value that nothing can be said about."""
        known = len(self.problems)
        self._one(None)
        del self.problems[known:]

    def _range(self, opening: Token, subject: _Subject) -> Expression:
        low, _, high, closing = (self._next() for _ in range(4))
        field = self._bounded(opening.start, closing.end, subject)
        return read_bounds(
            field,
            _term(low),
            _term(high),
            include_low=opening.source == "[",
            include_high=closing.source == "]",
            zone=self.zone,
        )

    def _comparison(self, sign: Token, subject: _Subject) -> Expression:
        value = self._next()
        field = self._bounded(sign.start, value.end, subject)
        below, include = sign.kind is Kind.BELOW, sign.source.endswith("=")
        return read_bounds(
            field,
            None if below else _term(value),
            _term(value) if below else None,
            include_low=not below and include,
            include_high=below and include,
            zone=self.zone,
        )

    def _bounded(self, start: int, end: int, subject: _Subject) -> Field:
        """The field that a range belongs to. Raises `Refused`."""
        whole = Term(source=self.text[start:end], start=start, end=end)
        if subject is None:
            raise whole.refused(
                "This range belongs to no field.", "Write one before it, like status:[400 TO 499]."
            )
        if not isinstance(subject, Field):
            raise whole.refused(
                "There are no ranges of metadata.", "Use a value, wildcards, or * for any."
            )
        return subject

    @property
    def _kind(self) -> Kind | None:
        """Of the token that comes next; `None` at the end."""
        return self.tokens[self.position].kind if self.position < len(self.tokens) else None

    def _next(self) -> Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def _takes(self, kind: Kind) -> bool:
        """Whether the token that comes next is of the kind, and then past it."""
        found = self._kind is kind
        self.position += found
        return found


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
