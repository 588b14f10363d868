"""Records of other systems: what a mapping says, and the entries that it makes of them."""
