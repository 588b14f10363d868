"""What charts, figures and reports of entries say alike: words, numbers, colours."""
