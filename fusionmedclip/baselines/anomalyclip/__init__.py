"""AnomalyCLIP: two prompts that name no object, learnt from other data with labels and masks."""
