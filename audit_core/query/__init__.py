"""What a user asked for, as data, and the statements made of it. Builds, never runs."""
