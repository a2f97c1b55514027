"""PatchCore: nearest neighbours in a coreset of patch features."""
