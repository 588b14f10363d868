"""Everything about one sandbox in order, lists of sandboxes, and what follows from them."""
