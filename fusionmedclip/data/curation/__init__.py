"""What is wrong with a set of images before any model sees it."""
