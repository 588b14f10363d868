"""Messages on their way: made from what waits, sent, tried again, given up."""
