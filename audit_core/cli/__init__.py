"""The command line: thin shells over the core, one file a noun."""
