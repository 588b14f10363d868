"""Running reads: admission, deadlines, cancellation."""
