"""Models of anomalib as methods of our tables."""
