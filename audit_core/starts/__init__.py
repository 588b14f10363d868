"""Why a sandbox did not start: reads of the log, and what follows from them."""
