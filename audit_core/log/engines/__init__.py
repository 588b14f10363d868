"""The engines of the log, one package for each."""
