"""The rules that an organization has: which are on, its own ones, and what is muted."""
