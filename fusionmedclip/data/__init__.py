"""From files on disk to arrays: readers, sources, manifests, splits, support sets, phantoms."""
