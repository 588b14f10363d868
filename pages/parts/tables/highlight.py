"""How a row of a table stands out."""

EMPHASIS = "background-color: rgba(230, 159, 0, 0.22)"
"""As a style of a cell; seen through, so that it fits a light and a dark table."""
