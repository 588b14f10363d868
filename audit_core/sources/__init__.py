"""Entries that come by themselves: what is pulled from other systems, and how far that has come."""
