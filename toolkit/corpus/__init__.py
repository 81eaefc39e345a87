"""Corpus versions: the tables made of the sources, and the store that keeps them."""
