"""Everything that a filter matched at one moment of the log, for what leaves the house."""
