"""Settings of the baselines, one module a method under the method's own name; nothing here loads torch."""
