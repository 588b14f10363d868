import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from audit_core.access import Scope
from audit_core.log.schema import entries
from audit_core.query.completion import examples
from audit_core.query.criteria import fulfilling
from audit_core.query.language import parse
from tests.expression_strategies import ENTRIES, expressions
from tests.plain_language import matches_expression
from tests.strategies import NOW, sample_entries

EVERYTHING = Scope.everything()
SAMPLE = [*ENTRIES, *sample_entries(150)]


@pytest.fixture(scope="module")
def found(new_log):
    log = new_log()
    log.append(SAMPLE)

    def ids(expression):
        statement = select(entries.c.id).where(fulfilling(entries, expression))
        table = log.fetch(statement, EVERYTHING, max_rows=len(SAMPLE)).table
        return set(table.column("id").to_pylist())

    return ids


def expected(expression):
    return {item.id for item in SAMPLE if matches_expression(item, expression, received_at=NOW)}


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(expressions)
def test_the_sql_of_an_expression_agrees_with_its_plain_reading(found, expression):
    assert found(expression) == expected(expression)


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
    assert found(expression) == expected(expression)
