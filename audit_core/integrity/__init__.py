"""The log as a tree of hashes: proves what it held and when, and that it was not changed since."""
