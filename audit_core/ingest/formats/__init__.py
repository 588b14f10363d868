"""How records stand in a file, and how each form is read."""
