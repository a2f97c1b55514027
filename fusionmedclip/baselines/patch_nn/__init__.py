"""The nearest patch alone, the simplest of its family."""
