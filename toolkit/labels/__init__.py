"""Judgements: pulled from Label Studio, kept as they came, read as a table, measured against each other."""
