"""What rules look at beside the log's entries."""
