"""The page that holds everything, and the page of curation."""
