"""Few-shot medical anomaly detection by adapting CLIP, with every published number reproducible."""

__version__ = "0.1.0"
