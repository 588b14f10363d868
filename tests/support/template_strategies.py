"""Messages that are hard to make templates of."""

from hypothesis import strategies as st

from tests.support.strategies import plain_text

PIECES = (
    "'", '"', "`", " ", "\n", "\t", "\v", "\f", "/", "/a", "/b-c.d/", "//", ".", "..", "-", "_",
    "7", "12", "a1", "x", "é", "É7", "\u00a0", "<text>", "<id>", "<", ">", "it's", "\\", "\\1", "%",
    "_x", "[redacted]", "password=", "token: ", "Bearer abcdefgh", "sk-abcd", "efgh1", "$1",
    "\u2400",
)  # fmt: skip

messages = st.one_of(
    plain_text,
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 900), plain_text).map(
        lambda parts: parts[0] * parts[1] + parts[2]
    ),
)
