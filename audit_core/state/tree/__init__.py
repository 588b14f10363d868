"""What is kept of each organization's tree of hashes, outside the log that it proves."""
