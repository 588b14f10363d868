"""A broken value ends where its marks say, read one after the other."""

from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.ingest.formats.value_ends import ValueEnd

PIECES = ("[", "]", "{", "}", ",", '"', "\n", "\\", '\\"', "\\\\", "a", "é", "🦀", "\udcff", ":")
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def end_of(text, closer):
    """How many characters belong to the value, one after the other."""
    depth, inside, at = 0, False, 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in ("\\", '"', "\n"):
            at += 2
            continue
        if inside:
            inside = char not in '"\n'
        elif char == '"':
            inside = True
        elif depth == 0 and char in (",", closer):
            return at
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth = max(0, depth - 1)
            if depth == 0 and not closer:
                return at + 1
        at += 1
    return len(text)


@given(texts, st.sampled_from(["", "]", "}"]), st.integers(1, 9))
@example('"\\', "", 1)
@example('\\\\\\",', "]", 3)
def test_a_value_ends_at_the_same_place_however_the_text_comes(text, closer, size):
    search, at, ended = ValueEnd(closer), 0, False
    while at < len(text) and not ended:
        block = text[at : at + size]
        passed, ended = search.search(block, last=at + len(block) == len(text))
        at += passed
        size += not passed
    assert at == end_of(text, closer)
