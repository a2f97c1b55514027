"""The towers: made from a configuration, read without unpickling, kept as a folder, known by a digest."""
