"""Fetch, check and unpack public data sets."""
