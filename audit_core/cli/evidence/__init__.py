"""Commands for evidence beside the export of entries."""
