"""What commands share: the terminal, the opened state, the options that many have."""
