"""Controls: scores that know nothing of lesions, from one number of an image or of its file."""
