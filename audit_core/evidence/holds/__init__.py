"""Legal holds over the log: which months and entries they keep."""
