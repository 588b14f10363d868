"""How entries are changed: the transactions, and who is told of what the log forgets in them."""
