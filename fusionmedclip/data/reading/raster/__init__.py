"""PNG, JPEG, TIFF and the like."""
