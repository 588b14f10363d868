"""Who may sign in, and what they are in which organization."""
