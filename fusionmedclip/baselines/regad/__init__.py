"""RegAD: registration of features, then a Gaussian at each position."""
