"""CutPaste: classes of pasted patches, then a Gaussian density."""
