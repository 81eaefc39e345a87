"""Reports: reading them, keeping them, and the typed spans found in them."""
