"""Rules that watch a log: what is new is looked at once, whatever order it comes in."""
