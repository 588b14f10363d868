"""What an entry, a permission and an error is: values and pure functions."""
