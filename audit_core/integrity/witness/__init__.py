"""A witness of logs' checkpoints, as c2sp.org/tlog-witness has it: it cosigns what continues what
it has seen, and nothing else."""
