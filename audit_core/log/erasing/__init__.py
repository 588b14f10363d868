"""Erasing a person's values from a log, and writing anew what still holds their bytes."""
