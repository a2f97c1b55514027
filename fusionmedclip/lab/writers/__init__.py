"""What a prediction leaves on disk beside its table of scores: pictures, a page, maps, DICOM objects."""
