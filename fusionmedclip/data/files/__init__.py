"""Which files are data, what kind each is, and their digests; no pixel is read here."""
