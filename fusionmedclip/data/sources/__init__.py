"""What lies where: one kind of source a file, each listing records; the manifest of a data set."""
