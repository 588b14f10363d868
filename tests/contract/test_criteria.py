from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import literal, select

from audit_core.domain.access import Scope
from audit_core.domain.redaction import redact_text
from audit_core.explore.autocomplete.completion import examples
from audit_core.log.schema import entries
from audit_core.log.sql.redaction import looks_secret, redacted
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.predicate_sql import compile_predicate
from audit_core.query.visibility import require_visible
from tests.contract.pieces import append_in_pieces
from tests.support.expression_strategies import ENTRIES, expressions
from tests.support.in_utc import parse
from tests.support.laws import law
from tests.support.plain_language import matches_expression
from tests.support.secret_strategies import CORPUS, texts
from tests.support.strategies import NOW, entry, sample_entries

EVERYTHING = Scope.everything()
SECRET = entry(
    "secret",
    error_message='refused: password = "hunter2 and more" for Bearer abcdefgh12',
    metadata='{"body":{"url":"https://u:pw@host/x","a.b":"token=tell","n":"AKIAABCDEFGHIJKLMNOP"}}',
)
SAMPLE = [*ENTRIES, SECRET, *sample_entries(150)]


@pytest.fixture(scope="module")
def found(new_log):
    log = new_log()
    append_in_pieces(log, SAMPLE)

    def ids(expression, secrets):
        scope = replace(EVERYTHING, secrets=secrets)
        statement = select(entries.c.id).where(compile_predicate(entries, expression, scope))
        table = log.fetch(statement, scope, max_rows=len(SAMPLE)).table
        return set(table.column("id").to_pylist())

    return ids


@pytest.fixture(scope="module")
def redacting(new_log):
    log = new_log()

    def both(text):
        statement = select(
            redacted(literal(text)).label("shown"), looks_secret(literal(text)).label("secret")
        )
        row = log.fetch(statement, EVERYTHING, max_rows=1).table.to_pylist()[0]
        return row["shown"], bool(row["secret"])

    return both


def expected(expression, secrets):
    return {
        item.id
        for item in SAMPLE
        if matches_expression(item, expression, received_at=NOW, secrets=secrets)
    }


@law(200)
@given(expressions, st.booleans())
def test_the_sql_of_an_expression_agrees_with_its_plain_reading(found, expression, secrets):
    assert found(expression, secrets) == expected(expression, secrets)


@pytest.mark.parametrize(
    "text",
    ["hunter2", "message:HUNTER", '"more"', "abcdefgh12", "metadata.body.url:*pw*",
     "metadata.body.url:*\\:pw\\@*", "metadata.body.a\\.b:*tell", "metadata.body.n:AKIA*"],
)  # fmt: skip
def test_nobody_guesses_a_secret_that_is_not_shown(found, text):
    expression = parse(text)
    assert found(expression, secrets=True) == {"secret"}
    assert found(expression, secrets=False) == set()


@pytest.mark.parametrize("text", ["refused", '"password ="', "metadata.body.url:https*host/x"])
def test_what_is_shown_beside_a_secret_is_found(found, text):
    assert found(parse(text), secrets=False) == {"secret"}


@pytest.mark.parametrize(
    "text", ["metadata.body.token:x", "a OR -metadata.query.Pass-Word.x:y*", "metadata.env.a:b"]
)
def test_metadata_that_is_secret_by_its_name_cannot_be_asked_for(text):
    with pytest.raises(QueryError, match="are secret"):
        require_visible(parse(text), text, EVERYTHING)
    require_visible(parse(text), text, replace(EVERYTHING, secrets=True))


def test_whether_there_is_a_secret_may_be_asked():
    text = "metadata.body.token:*"
    require_visible(parse(text), text, EVERYTHING)


@law(150)
@given(texts)
@example("éBearer abcdefgh AKIAABCDEFGHIJKLMNOPé")
def test_engines_redact_what_python_redacts(redacting, text):
    shown, secret = redacting(text)
    assert shown == redact_text(text)
    # What is redacted already still looks like a secret.
    assert secret >= (redact_text(text) != text)


def test_every_text_of_the_corpus_is_redacted_alike(new_log):
    log = new_log()
    log.append([entry(str(place), error_message=each.text) for place, each in enumerate(CORPUS)])
    message = entries.c.error_message
    statement = select(
        entries.c.id, redacted(message).label("shown"), looks_secret(message).label("secret")
    )
    rows = log.fetch(statement, EVERYTHING, max_rows=len(CORPUS)).table.to_pylist()
    assert len(rows) == len(CORPUS)
    for row in rows:
        sample = CORPUS[int(row["id"])]
        assert row["shown"] == redact_text(sample.text), sample.kind
        assert bool(row["secret"]) == bool(sample.secrets), sample.kind


@pytest.mark.parametrize(
    "text",
    [
        *(example.text for example in examples()),
        "ip:10.0.0.0/8", "ip:2001:db8::/32", "ip:::1", "-ip:10.0.0.0/8",
        "metadata.body.n:4", "metadata.body.yes:true", "metadata.body.a.b:*", "target:a\\*b",
        "target:*a*", "message:device", "status:[400 TO 499]", "actor:runner", "key:dtn_ab*",
    ],
)  # fmt: skip
def test_texts_find_what_their_plain_reading_finds(found, text):
    expression = parse(text)
    for secrets in (True, False):
        assert found(expression, secrets) == expected(expression, secrets)
