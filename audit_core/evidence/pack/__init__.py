"""The pack: an export that proves what it holds, and what verifies it without network or database.

The format is docs/pack.md. `verifier.py` and what it needs import nothing of the log.
"""
