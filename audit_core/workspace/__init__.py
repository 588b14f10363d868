"""What people save and say about what they look at: views, and the triage of failures."""
