"""Training: losses, optimiser, the few-shot loop, the estimator, and Stage 1."""
