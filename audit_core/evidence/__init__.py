"""What leaves the house: one writer per format over a stream of entries."""
