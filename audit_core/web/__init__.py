"""The HTTP side: routes beside the pages, and the middleware in front of everything."""
