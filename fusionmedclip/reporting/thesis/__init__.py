"""What the thesis prints, and the protocol that it was printed under."""
