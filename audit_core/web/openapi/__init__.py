"""What the routes say of themselves, for programs and for people."""
