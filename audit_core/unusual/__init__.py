"""What is unusual in a stretch of time, against the time before it.

One meaning of *first seen* (`first_seen`), of *spike* (`spike`) and of *off-hours* (`off_hours`),
for every page and every detection. They decide, on values alone; `…_sql.py` builds the statements
that give those, and `reader.py` runs them.
"""
