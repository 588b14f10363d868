"""Sources: bytes and files become entries or rejections, and entries go into the log."""
