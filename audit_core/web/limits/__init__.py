"""How much, how fast and how many at once."""
