"""What the state keeps of messages about alerts."""
