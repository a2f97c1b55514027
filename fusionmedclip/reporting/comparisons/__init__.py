"""What can and cannot be told apart."""
