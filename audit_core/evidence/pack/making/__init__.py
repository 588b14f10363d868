"""Packs are made: from the log and its tree, and written."""
