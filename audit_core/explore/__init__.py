"""Reads of entries: pages, charts, facets, and what leads from one entry to others."""
