"""Who and what reaches the pages and the routes."""
