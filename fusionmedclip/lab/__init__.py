"""One's own images: from files to scores, pictures and maps in the geometry that they came in."""
