"""What somebody should be told of: rules over the log, and what they find."""
