"""One function for each stage of the workflow: files in, files out, no science of its own."""
