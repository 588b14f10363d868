"""What rules found, as it stands in the state."""
