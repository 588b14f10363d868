"""Exports that are made in the background: what one is, its row, its file, and who makes it."""
