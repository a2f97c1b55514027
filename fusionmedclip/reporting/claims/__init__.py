"""What the thesis claims, and which of it stands."""
