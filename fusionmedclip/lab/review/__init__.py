"""A page on this machine alone, where a person says of each input whether there is anything."""
