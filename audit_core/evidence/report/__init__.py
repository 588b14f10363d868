"""A printable report of a window and a filter: what Overview says, as one file without scripts."""
