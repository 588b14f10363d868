"""Each shipped rule is said in words; spans are exact."""

from datetime import timedelta

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.words import in_words, span_in_words


def test_every_shipped_rule_has_words_of_its_kind():
    said = {rule.title: in_words(rule) for rule in shipped_rules()}
    assert said["Many refusals for one actor"] == (
        "20 entries or more within 15 minutes, for each actorId"
    )
    assert all(", for each " in words or ", all together" in words for words in said.values())


def test_spans_are_exact():
    assert [
        span_in_words(timedelta(seconds=seconds)) for seconds in (0, 1, 90, 5400, 3600, 172_800)
    ] == ["0 seconds", "1 second", "90 seconds", "90 minutes", "1 hour", "2 days"]
