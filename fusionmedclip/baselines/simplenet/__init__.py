"""SimpleNet: a discriminator of noisy features."""
