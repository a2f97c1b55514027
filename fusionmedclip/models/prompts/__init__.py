"""The two classes in words: learnable context (thesis Eq. 3), UMLS knowledge, the tower that reads them."""
