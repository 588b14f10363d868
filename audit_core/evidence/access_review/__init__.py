"""What an access review is fed with, and what leaves the house of it."""
